// Charts without a library: the map on a canvas, the rest as SVG.

import { ask, count, make } from "./api.js";

let built = null;

// a canvas takes no CSS variables: let the browser resolve the colour of the theme in use
function ink(name) {
  const probe = make("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export async function open(element, context) {
  if (!built) { element.textContent = "Drawing…"; built = await build(element, context); }
  if (built) showTree(context);
}

async function build(element, context) {
  const { ok, body } = await ask("/api/charts");
  if (!ok) { element.textContent = body.message || ""; return null; }
  const treeBox = make("div", { id: "tree" });
  element.replaceChildren(make("div", { class: "charts" },
    section("Map of the pictures", `Principal components of the 32×32 thumbs of ${count(body.map.contents.length)} pictures; the plane shows ${(100 * body.map.share).toFixed(0)} % of their variance. Blue: pictures with copies. Point at one to see it, click to go to its cluster.`, scatter(body.map, context)),
    section("Nearest copy, nearest stranger", "How many bits of 256 each picture's hash is away from the nearest picture of its cluster (green) and of no common cluster (grey), in the best orientation. Left of the line hashes propose a pair; copies right of it were found by keypoints.", gaps(body.gaps)),
    section("Distances of the matches", "Of accepted pairs, by what measured them; the line is the distance up to which it accepts by itself.", ...body.matches.map(histogram)),
    section("Funnel", "Where every file went.", funnel(body.funnel)),
    section("The open cluster as a tree", "Average linkage of hash distances, bits of 256.", treeBox)));
  return { treeBox };
}

const section = (title, words, ...parts) => make("section", { class: "chart" }, make("h2", {}, title), make("p", { class: "quiet" }, words), ...parts);

function scatter(map, context) {
  const canvas = make("canvas", { width: 1200, height: 760, tabindex: 0, role: "img", "aria-label": "Map of the pictures" });
  const hover = make("figure", { class: "hover", hidden: true }, make("img", { alt: "" }), make("figcaption"));
  const pen = canvas.getContext("2d");
  const range = (values) => { let low = Infinity, high = -Infinity; for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); } return [low, high - low || 1]; };
  const [left, wide] = range(map.x);
  const [top, tall] = range(map.y);
  const px = map.x.map((x) => 24 + (x - left) / wide * 1152);
  const py = map.y.map((y) => 24 + (y - top) / tall * 712);
  const draw = (near) => {
    const colours = [ink("--quiet"), ink("--strong")];
    pen.clearRect(0, 0, 1200, 760);
    for (const clustered of [false, true]) {
      pen.fillStyle = colours[Number(clustered)];
      pen.globalAlpha = clustered ? 0.75 : 0.4;
      for (let n = 0; n < px.length; n++) if ((map.clusters[n] >= 0) === clustered) { pen.beginPath(); pen.arc(px[n], py[n], clustered ? 6 : 4, 0, 7); pen.fill(); }
    }
    pen.globalAlpha = 1;
    if (near !== undefined && map.clusters[near] >= 0) {
      pen.strokeStyle = ink("--go");
      pen.lineWidth = 3;
      for (let n = 0; n < px.length; n++) if (map.clusters[n] === map.clusters[near]) { pen.beginPath(); pen.arc(px[n], py[n], 10, 0, 7); pen.stroke(); }
    }
  };
  const nearest = (event) => {
    const frame = canvas.getBoundingClientRect();
    const x = (event.clientX - frame.left) / frame.width * 1200, y = (event.clientY - frame.top) / frame.height * 760;
    let best, least = 900;
    for (let n = 0; n < px.length; n++) { const d = (px[n] - x) ** 2 + (py[n] - y) ** 2; if (d < least) { least = d; best = n; } }
    return best;
  };
  const showAt = (n) => {
    draw(n);
    hover.hidden = n === undefined;
    if (n === undefined) return;
    hover.firstChild.src = `/thumb/${map.contents[n]}`;
    hover.lastChild.textContent = map.clusters[n] >= 0 ? `cluster ${map.clusters[n] + 1}` : "no copies";
    hover.style.left = `min(${100 * px[n] / 1200}%, calc(100% - 11rem))`;
    hover.style.top = `${100 * py[n] / 760}%`;
  };
  canvas.addEventListener("pointermove", (event) => showAt(nearest(event)));
  canvas.addEventListener("pointerleave", () => showAt(undefined));
  canvas.addEventListener("click", (event) => { const n = nearest(event); if (n !== undefined && map.clusters[n] >= 0) context.go(map.clusters[n]); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !px.length) return;
    event.preventDefault();
    canvas.at = ((canvas.at ?? -step) + step + px.length) % px.length;
    showAt(canvas.at);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  draw();
  return make("div", { class: "map" }, canvas, hover);
}

const WIDE = 640, TALL = 200, BASE = 176;

function bars(counts, most, className, title) {
  const width = WIDE / counts.length;
  return counts.map((value, n) => value ? make("rect", { x: n * width + 0.5, y: BASE - value / most * 160, width: Math.max(1, width - 1), height: value / most * 160, class: className }, make("title", {}, title(value, n))) : null);
}

function axis(top, threshold, unit) {
  const at = (value) => value / top * WIDE;
  const text = (x, words, anchor = "middle") => make("text", { x, y: TALL - 6, "text-anchor": anchor }, words);
  const round = (value) => (top > 10 ? Math.round(value) : value.toFixed(2));
  return [make("line", { x1: 0, y1: BASE, x2: WIDE, y2: BASE, class: "axis" }), text(2, "0", "start"), text(WIDE / 2, `${round(top / 2)}`), text(WIDE - 2, `${round(top)} ${unit}`, "end"),
    ...(threshold !== null && threshold <= top ? [make("line", { x1: at(threshold), y1: 4, x2: at(threshold), y2: BASE, class: "threshold" }), make("text", { x: at(threshold) + 4, y: 14 }, `${threshold}`)] : [])];
}

const chart = (label, ...parts) => make("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", "aria-label": label }, ...parts);

function gaps(found) {
  const most = Math.max(1, ...found.copies, ...found.strangers);
  const words = (kind) => (value, n) => `${value} pictures: nearest ${kind} at ${n * found.bin} to ${(n + 1) * found.bin - 1} bits`;
  return chart("Nearest copy and nearest stranger by hash distance", ...bars(found.strangers, most, "other", words("stranger")), ...bars(found.copies, most, "copy", words("copy")), ...axis(256, found.threshold, "bits"));
}

function histogram(found) {
  const most = Math.max(1, ...found.counts);
  const tiers = Object.entries(found.tiers).map(([tier, n]) => `${count(n)} ${tier}`).join(", ");
  const top = Math.max(found.top, found.threshold ?? 0);
  const scaled = Array(found.counts.length).fill(0);
  found.counts.forEach((value, n) => { scaled[Math.min(scaled.length - 1, Math.floor((n + 0.5) * found.top / top))] += value; });
  return make("figure", {}, make("figcaption", {}, `${found.metric}: ${tiers}`), chart(`Distances by ${found.metric}`, ...bars(scaled, Math.max(most, ...scaled), "copy", (value) => `${value} matches`), ...axis(top, found.threshold, "")));
}

function funnel(stages) {
  const most = Math.max(1, ...stages.map(([, value]) => value));
  return make("table", { class: "funnel" }, make("tbody", {}, ...stages.map(([name, value]) => {
    const bar = make("span", { class: "bar-of" });
    bar.style.width = `${100 * Math.sqrt(value / most)}%`;
    return make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "number" }, count(value)), make("td", { class: "long" }, bar));
  })));
}

async function showTree(context) {
  const cluster = await context.cluster();
  if (!cluster || built.number === cluster.number) return;
  built.number = cluster.number;
  const { ok, body } = await ask(`/api/tree/${cluster.number}`);
  if (!ok || body.contents.length < 2) { built.treeBox.textContent = body.message || "One picture by its pixels: there is no tree."; return; }
  const leaves = body.contents.length, step = Math.max(34, Math.min(90, 900 / leaves)), wide = leaves * step, tall = 240;
  const top = Math.max(body.threshold || 0, ...body.heights.flat()) * 1.08 || 1;
  const x = (value) => (value - 5) / 10 * step + step / 2, y = (value) => tall - value / top * (tall - 8);
  const svg = make("svg", { viewBox: `0 0 ${wide} ${tall + 4}`, width: wide, height: tall + 4, role: "img", "aria-label": `Tree of ${cluster.name}` },
    ...body.across.map((across, n) => make("path", { d: across.map((value, i) => `${i ? "L" : "M"}${x(value)} ${y(body.heights[n][i])}`).join(""), class: "branch" }, make("title", {}, `${body.heights[n][1].toFixed(0)} bits`))),
    ...(body.threshold ? [make("line", { x1: 0, x2: wide, y1: y(body.threshold), y2: y(body.threshold), class: "threshold" }), make("text", { x: 4, y: y(body.threshold) - 4 }, `${body.threshold} bits`)] : []));
  const names = new Map(cluster.members.map((member) => [member.sha256, member.name]));
  const row = make("div", { class: "leaves" }, ...body.contents.map((content) => { const image = make("img", { src: `/thumb/${content}`, alt: names.get(content) || "", title: names.get(content) || "" }); image.style.width = `${step}px`; image.style.height = `${step}px`; return image; }));
  row.style.width = `${wide}px`;
  built.treeBox.replaceChildren(make("p", {}, cluster.name), make("div", { class: "scrolling" }, svg, row));
}
