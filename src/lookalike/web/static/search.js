// Any picture in, six pictures of the collection out, and each of them may be the next input.

import { ask, bytes, make, tell } from "./api.js";

let page;
let context;
let input = null;
let box = null;
const trail = [];

export function open(element, given) {
  context = given;
  if (!page) { page = build(element); document.addEventListener("paste", paste); }
  if (given.wanted !== undefined) use(String(given.wanted));
}

function build(element) {
  const file = make("input", { type: "file", accept: "image/*", id: "search-file", class: "unseen", onchange: () => { if (file.files[0]) upload(file.files[0]); file.value = ""; } });
  const picture = make("img", { alt: "", id: "query", draggable: "false" });
  const frame = make("div", { class: "focus", hidden: true });
  const hold = make("div", { class: "hold", "aria-label": "Draw a box around what counts", role: "img" }, picture, frame);
  const title = make("p", { class: "quiet" }, "No picture yet.");
  const overlays = make("input", { type: "checkbox", id: "overlays", onchange: () => input && run() });
  const clear = make("button", { disabled: true, onclick: () => { setBox(null); run(); } }, "Whole picture");
  const back = make("button", { disabled: true, onclick: () => { trail.pop(); const last = trail.pop(); if (last) use(last); } }, "Back");
  const current = make("button", { onclick: () => { const member = context.member(); if (member) use(String(member.picture)); else tell("no cluster is open"); } }, "Use the picked picture of the review");
  const state = make("p", { "aria-live": "polite", class: "told", id: "search-state" });
  const results = make("ol", { class: "hits", "aria-label": "Results" });
  element.append(make("div", { class: "searching" },
    make("section", { "aria-label": "What to search for" },
      make("label", { class: "dropzone", for: "search-file" }, "Upload a picture, drop it here, or paste one (Ctrl+V)"), file,
      make("div", { class: "row-of-buttons" }, current, back), title, hold,
      make("p", { class: "quiet" }, "Draw a box on the picture to search with that part only."),
      make("div", { class: "row-of-buttons" }, clear, make("label", {}, overlays, " ignore lines drawn over it"))),
    make("section", { "aria-label": "Found" }, state, results)));
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => { event.preventDefault(); const [dropped] = event.dataTransfer.files; if (dropped) upload(dropped); });
  drawBox(hold, picture);
  return { picture, frame, hold, title, overlays, clear, back, state, results, element };
}

function paste(event) {
  if (page.element.hidden) return;
  const item = [...event.clipboardData.items].find((entry) => entry.type.startsWith("image/"));
  if (item) { event.preventDefault(); upload(item.getAsFile()); }
}

async function upload(file) {
  page.state.textContent = "Uploading…";
  const { ok, body } = await ask(`/api/upload?name=${encodeURIComponent(file.name || "")}`, file, true);
  if (ok) take(body); else page.state.textContent = body.message || "";
}

async function use(name) {
  const { ok, body } = await ask(`/api/input/${name}`);
  if (ok) take(body);
}

function take(body) {
  input = body;
  trail.push(body.input);
  setBox(null);
  page.back.disabled = trail.length < 2;
  page.title.textContent = `${body.title} · ${body.width}×${body.height}`;
  page.picture.alt = body.title;
  page.picture.src = `/picture/${body.sha256}`;
  run();
}

async function run() {
  if (!input) return;
  const asked = input;
  const before = JSON.stringify(box);
  page.results.setAttribute("aria-busy", true);
  page.state.textContent = "Searching…";
  const watching = setInterval(async () => {
    const { ok, body } = await ask("/api/search/progress");
    if (ok && body[2] && asked === input && page.results.hasAttribute("aria-busy")) page.state.textContent = `Searching… ${body[0]}: ${body[1]} of ${body[2]}`;
  }, 800);
  const { ok, body } = await ask("/api/search", { input: asked.input, box, ignore_overlays: page.overlays.checked });
  clearInterval(watching);
  if (asked !== input || before !== JSON.stringify(box)) return;
  page.results.removeAttribute("aria-busy");
  page.state.textContent = ok ? `${body.searched.toLocaleString("en")} pictures searched; the picture itself ${body.in_set.length ? "is" : "is not"} in the collection` : body.message || "";
  if (ok) page.results.replaceChildren(...body.hits.map(hit));
}

function hit(found) {
  return make("li", { class: "card" },
    make("div", { class: "face" }, make("img", { src: `/picture/${found.sha256}`, alt: found.name, decoding: "async" })),
    make("div", { class: "text" },
      make("p", { class: "name" }, make("b", { title: found.path }, found.name), make("span", { class: `badge ${found.tier === "similar" ? "" : "keep"}` }, found.tier)),
      make("p", {}, found.edit),
      make("p", { class: "quiet" }, `${found.width}×${found.height} · ${found.type} · ${bytes(found.bytes)}${found.damage ? ` · damaged: ${found.damage}` : ""} · distance ${found.distance}`),
      make("div", { class: "choices" }, make("button", { onclick: () => use(found.input), "aria-label": `Set as input: ${found.name}` }, "Set as input"))));
}

function setBox(value) {
  box = value;
  page.clear.disabled = !value;
  page.frame.hidden = !value;
  if (!value) return;
  const [x, y, width, height] = value;
  Object.assign(page.frame.style, { left: `${100 * x / input.width}%`, top: `${100 * y / input.height}%`, width: `${100 * width / input.width}%`, height: `${100 * height / input.height}%` });
}

function drawBox(hold) {
  let start = null;
  const at = (event) => {
    const frame = hold.getBoundingClientRect();
    const share = (value, from, length) => Math.max(0, Math.min(1, (value - from) / length));
    return [share(event.clientX, frame.left, frame.width) * input.width, share(event.clientY, frame.top, frame.height) * input.height];
  };
  const boxTo = ([x, y]) => [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])].map(Math.round);
  hold.addEventListener("pointerdown", (event) => { if (input) { start = at(event); hold.setPointerCapture(event.pointerId); event.preventDefault(); } });
  hold.addEventListener("pointermove", (event) => { if (start) setBox(boxTo(at(event))); });
  hold.addEventListener("pointerup", (event) => {
    if (!start) return;
    const drawn = boxTo(at(event));
    start = null;
    setBox(Math.min(drawn[2], drawn[3]) >= 8 ? drawn : null);
    run();
  });
}
