// Puts the page together: tabs, list, cluster, keys, undo.

import { ask, bytes, count, plural, tell } from "./api.js";
import { acceptMany, keepByRules } from "./bulk.js";
import { Detail } from "./detail.js";
import { chosen, isFiltered, prepareFilters } from "./filters.js";
import { help, listen } from "./keys.js";
import { List } from "./list.js";
import { Turns } from "./turns.js";

const by = (id) => document.getElementById(id);
const TABS = ["review", "search", "charts", "apply"];
let index;
let standing = {};

// everything that changes which cluster is looked at, or decides about it, happens in turns
const turns = new Turns();
const list = new List(by("list"), (number) => detail.open(number), (number) => turns.take("a click", () => lookAt(number)));
const detail = new Detail(by("detail"), {
  learn: learned,
  back: () => by("review").classList.remove("looking"),
  accept: (cluster) => turns.take("Accept", () => accept(cluster)),
  none: (cluster) => turns.take("No match at all", () => detail.none(cluster)),
  decide: (what, cluster, member) => turns.take("a click", () => { detail.pickPicture(member.picture); return detail.decide(what, cluster, member); }),
  pick: (member) => turns.take("a click", () => detail.pickPicture(member.picture)),
  look: (member) => turns.take("a click", () => { detail.pickPicture(member.picture); if (!detail.comparing) detail.toggleCompare(); }),
  compare: () => turns.take("Compare", () => detail.toggleCompare()),
  search: (member) => turns.take("a click", () => openTab("search", member.picture)),
});

async function start() {
  await loadIndex();
  prepareFilters(index, () => turns.take("", () => refresh()));
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
    const { number, name, folder, contents, edit, state, confidence } = cluster;
    list.learn([{ number, name, folder, contents, edit, bytes: cluster.bytes, state, confidence }]);
    list.render();
  }
}

// what is done to the cluster that the list points at, once that one is shown
const shown = (act) => async () => {
  if (await detail.settled()) return act();
  tell(list.number === undefined ? "no cluster is open" : "the cluster could not be shown", "bad");
  return false;
};

async function accept(cluster = detail.cluster) {
  const done = await detail.accept(cluster);
  if (done && list.number === cluster.number) list.move(1);
  return done;
}

async function undo() {
  if (!standing.undo) { tell("nothing to undo"); return true; }
  const { ok, body } = await ask("/api/undo", { step: standing.undo.step });
  if (ok) tell(`undone: ${body.undone}`);
  await reload();
  return ok;
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

const reloadLater = () => turns.take("", reload);

function bulk(open) { open([...list.order], reloadLater); }

const modules = { search: "./search.js", charts: "./charts.js", apply: "./apply.js" };

async function openTab(name, wanted) {
  for (const tab of TABS) {
    by(tab).hidden = tab !== name;
    by(`tab-${tab}`).setAttribute("aria-selected", tab === name);
    by(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
  }
  if (modules[name]) {
    const module = await import(modules[name]);
    module.open(by(name), { cluster: async () => { await detail.opening; return detail.cluster; }, member: () => detail.member, go: (number) => turns.take("a click", () => go(number)), wanted });
  } else list.draw();
}

// from another tab to a cluster
function go(number) {
  openTab("review");
  if (!list.place.has(number)) { document.querySelectorAll(".filters select, .filters input").forEach((field) => { field.value = field.id === "sort" ? "bytes" : ""; }); refresh(number); }
  lookAt(number);
}

function lookAt(number) {
  list.select(list.place.get(number));
  by("review").classList.add("looking");
}

function nextTab(step) {
  const at = TABS.findIndex((tab) => !by(tab).hidden);
  const name = TABS[(at + step + TABS.length) % TABS.length];
  openTab(name);
  by(`tab-${name}`).focus();
}

const anywhere = { "?": help, "[": () => nextTab(-1), "]": () => nextTab(1), u: undo };
const moving = {
  j: () => list.move(1), ArrowDown: () => list.move(1), k: () => list.move(-1), ArrowUp: () => list.move(-1),
  PageDown: () => list.move(10), PageUp: () => list.move(-10), g: () => list.select(0), Home: () => list.select(0),
  G: () => list.select(list.order.length - 1), End: () => list.select(list.order.length - 1),
  x: nextOpen, f: () => { by("filters").open = true; by("sort").focus(); },
  A: () => bulk(acceptMany), R: () => bulk((numbers, done) => keepByRules(numbers, index, done)),
  Escape: () => by("review").classList.remove("looking"),
};
const looking = {
  h: () => detail.move(-1), ArrowLeft: () => detail.move(-1), l: () => detail.move(1), ArrowRight: () => detail.move(1),
  a: () => accept(), Enter: () => accept(), s: () => detail.decide("keeper"), e: () => detail.decide("keep"), d: () => detail.decide("drop"),
  n: () => detail.decide("apart"), N: () => detail.none(), b: () => detail.pairApart(), c: () => detail.toggleCompare(),
  1: () => detail.compare.setMode("slider"), 2: () => detail.compare.setMode("blink"), 3: () => detail.compare.setMode("difference"),
  o: () => detail.compare.toggleLines(), ",": () => detail.compare.setSplit(Math.max(0, detail.compare.split - 5)), ".": () => detail.compare.setSplit(Math.min(100, detail.compare.split + 5)),
  i: () => { openTab("search", detail.member.picture); },
};
const reviewing = (key) => moving[key] || (looking[key] && shown(looking[key]));
listen((key) => anywhere[key] || (!by("review").hidden && index && reviewing(key)), turns);

by("undo").addEventListener("click", () => turns.take("Undo", undo));
by("help-open").addEventListener("click", () => turns.take("?", help));
by("bulk-accept").addEventListener("click", () => turns.take("Accept many", moving.A));
by("bulk-rules").addEventListener("click", () => turns.take("Keep by rules", moving.R));
TABS.forEach((name) => by(`tab-${name}`).addEventListener("click", () => turns.take("a click", () => { openTab(name); })));
by("tab-review").parentElement.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") nextTab(-1);
  if (event.key === "ArrowRight") nextTab(1);
});
// another tab may have decided meanwhile
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || !index) return;
  const { ok, body } = await ask("/api/standing");
  if (ok && body.edition !== standing.edition) reloadLater();
});
start();
