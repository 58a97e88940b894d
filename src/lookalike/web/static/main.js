// Puts the page together: tabs, list, cluster, keys, undo.

import { ask, bytes, count, plural, tell } from "./api.js";
import { acceptMany, keepByRules } from "./bulk.js";
import { Detail } from "./detail.js";
import { chosen, isFiltered, prepareFilters } from "./filters.js";
import { help, listen } from "./keys.js";
import { List } from "./list.js";

const by = (id) => document.getElementById(id);
const TABS = ["review", "search", "charts", "apply"];
let index;
let standing = {};

const list = new List(by("list"), (number, focused) => {
  detail.open(number);
  if (focused) by("review").classList.add("looking");
});
const detail = new Detail(by("detail"), learned, () => by("review").classList.remove("looking"));
by("detail").addEventListener("accept", accept);
by("detail").addEventListener("search", searchWith);

async function start() {
  await loadIndex();
  prepareFilters(index, () => refresh());
  refresh();
  performance.mark("listed");
}

async function loadIndex() {
  const { ok, body } = await ask("/api/index");
  if (!ok) return;
  index = body;
  by("headline").textContent = index.headline;
  list.load(index);
  stand(body);
}

// shows what the filters leave; the cluster that was looked at stays in view where it is left
function refresh(number) {
  const order = chosen(index);
  list.show(order, number);
  const freed = order.reduce((sum, n) => sum + index.bytes[n], 0);
  by("filtered").textContent = `${isFiltered() ? `${count(order.length)} of ` : ""}${plural(index.size.length, "cluster")}, ${bytes(freed)}`;
  detail.open(list.number);
}

function stand(body) {
  standing = body;
  by("undo").disabled = !body.undo;
  by("undo").title = body.undo ? `Undo: ${body.undo.words} (u)` : "Nothing to undo";
}

// a decision came back: the row changes, the list keeps its order
function learned(body) {
  stand(body);
  const { cluster } = body;
  if (cluster) {
    const { number, name, folder, contents, edit, state } = cluster;
    list.learn([{ number, name, folder, contents, edit, bytes: cluster.bytes, state }]);
    list.render();
  }
}

async function accept() {
  const number = list.number;
  if (number === undefined || !detail.cluster || detail.cluster.number !== number) return;
  if (await detail.accept()) list.move(1);
}

async function undo() {
  if (!standing.undo) { tell("nothing to undo"); return; }
  const { ok, body } = await ask("/api/undo", { step: standing.undo.step });
  if (ok) tell(`undone: ${body.undone}`);
  await reload();
}

// columns and the open cluster again: after undo, bulk decisions, or those of another tab
async function reload() {
  await loadIndex();
  list.forget();
  refresh(list.number);
}

function nextOpen() {
  for (let place = list.at + 1; place < list.order.length; place++) {
    if (index.state[list.order[place]] !== 1) { list.select(place); return; }
  }
  tell("everything below is decided");
}

function bulk(open) { open([...list.order], reload); }

const modules = { search: "./search.js", charts: "./charts.js", apply: "./apply.js" };

async function openTab(name, wanted) {
  for (const tab of TABS) {
    by(tab).hidden = tab !== name;
    by(`tab-${tab}`).setAttribute("aria-selected", tab === name);
    by(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
  }
  if (modules[name]) {
    const module = await import(modules[name]);
    module.open(by(name), { cluster: async () => { await detail.opening; return detail.cluster; }, member: () => detail.member, go, reload, wanted });
  } else list.draw();
}

function searchWith() { if (detail.member) openTab("search", detail.member.picture); }

// from another tab to a cluster
function go(number) {
  openTab("review");
  if (!list.place.has(number)) { document.querySelectorAll(".filters select, .filters input").forEach((field) => { field.value = field.id === "sort" ? "bytes" : ""; }); refresh(number); }
  list.select(list.place.get(number), true);
}

function nextTab(step) {
  const at = TABS.findIndex((tab) => !by(tab).hidden);
  const name = TABS[(at + step + TABS.length) % TABS.length];
  openTab(name);
  by(`tab-${name}`).focus();
}

const anywhere = { "?": help, "[": () => nextTab(-1), "]": () => nextTab(1), u: undo };
const reviewing = {
  j: () => list.move(1), ArrowDown: () => list.move(1), k: () => list.move(-1), ArrowUp: () => list.move(-1),
  PageDown: () => list.move(10), PageUp: () => list.move(-10), g: () => list.select(0), Home: () => list.select(0),
  G: () => list.select(list.order.length - 1), End: () => list.select(list.order.length - 1),
  h: () => detail.move(-1), ArrowLeft: () => detail.move(-1), l: () => detail.move(1), ArrowRight: () => detail.move(1),
  a: accept, Enter: accept, s: () => detail.decide("keeper"), e: () => detail.decide("keep"), d: () => detail.decide("drop"),
  n: () => detail.decide("apart"), N: () => detail.none(), b: () => detail.pairApart(), c: () => detail.toggleCompare(),
  1: () => detail.compare.setMode("slider"), 2: () => detail.compare.setMode("blink"), 3: () => detail.compare.setMode("difference"),
  o: () => detail.compare.toggleLines(), ",": () => detail.compare.setSplit(Math.max(0, detail.compare.split - 5)), ".": () => detail.compare.setSplit(Math.min(100, detail.compare.split + 5)),
  i: searchWith, x: nextOpen, f: () => { by("filters").open = true; by("sort").focus(); },
  A: () => bulk(acceptMany), R: () => bulk((numbers, done) => keepByRules(numbers, index, done)),
  Escape: () => by("review").classList.remove("looking"),
};
listen((key) => anywhere[key] || (!by("review").hidden && index && reviewing[key]));

by("undo").addEventListener("click", undo);
by("help-open").addEventListener("click", help);
by("bulk-accept").addEventListener("click", reviewing.A);
by("bulk-rules").addEventListener("click", reviewing.R);
TABS.forEach((name) => by(`tab-${name}`).addEventListener("click", () => openTab(name)));
by("tab-review").parentElement.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") nextTab(-1);
  if (event.key === "ArrowRight") nextTab(1);
});
// another tab may have decided meanwhile
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || !index) return;
  const { ok, body } = await ask("/api/standing");
  if (ok && body.edition !== standing.edition) reload();
});
start();
