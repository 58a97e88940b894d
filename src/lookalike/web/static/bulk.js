// Decisions about many clusters: shown first, then made in one step that undo takes back.

import { ask, bytes, make, plural, tell } from "./api.js";

const dialog = document.getElementById("dialog");
const RULES = ["unpadded", "resolution", "lossless", "size", "exif", "sharpness", "oldest", "newest", "path", "medoid"];

export function openDialog(title, ...children) {
  dialog.replaceChildren(
    make("form", { method: "dialog" }, make("h2", { id: "dialog-title" }, title), make("button", { class: "close", "aria-label": "Close" }, "×")),
    ...children);
  dialog.showModal();
}

// asks without an edition for the preview, and with the preview's edition to do it
function preview(path, given, numbers, ondone) {
  const told = make("p", { "aria-live": "polite", class: "told" }, "…");
  const sample = make("div", { class: "sample" });
  const go = make("button", { class: "main", disabled: true }, "Decide so");
  let edition;
  let asked = 0;
  const look = async () => {
    const turn = ++asked;
    go.disabled = true;
    told.textContent = "…";
    const { ok, body } = await ask(path, { numbers, ...given() });
    if (!ok || turn !== asked) { if (!ok) told.textContent = body.message || ""; return; }
    edition = body.edition;
    told.textContent = body.clusters
      ? `${plural(body.clusters, "open cluster")}: ${plural(body.dropped, "picture")} would go, ${bytes(body.bytes)}. No file is touched yet.`
      : "No open cluster is concerned.";
    sample.replaceChildren(...body.sample.map((row) => make("figure", {}, ...row.contents.slice(0, 2).map((content, at) => make("img", { src: `/thumb/${content}`, alt: at ? `copy of ${row.name}` : row.name })), make("figcaption", {}, row.name))));
    go.disabled = !body.clusters;
  };
  go.addEventListener("click", async () => {
    go.disabled = true;
    told.textContent = "Deciding…";
    const { ok, status, body } = await ask(path, { numbers, ...given(), edition });
    if (status === 409) { look(); return; }
    if (!ok) return;
    dialog.close();
    tell(`${plural(body.clusters, "cluster")} decided; u undoes it`);
    ondone(body);
  });
  look();
  return { look, parts: [told, sample, make("div", { class: "end" }, go)] };
}

export function acceptMany(numbers, ondone) {
  const least = make("input", { type: "number", min: 0, max: 1, step: 0.01, value: 0.95, id: "least" });
  const shown = preview("/api/accept", () => ({ least: Number(least.value) }), numbers, ondone);
  least.addEventListener("input", shown.look);
  openDialog("Accept many",
    make("p", {}, make("label", {}, "Accept every open cluster shown, at confidence of at least ", least)), ...shown.parts);
}

export function keepByRules(numbers, index, ondone) {
  const field = (label, value, place) => {
    const input = make("input", { value, placeholder: place, spellcheck: "false", autocomplete: "off" });
    return [input, make("label", { class: "wide" }, label, input)];
  };
  const [folders, folderLabel] = field("Folders, the dearest first (with +)", "", "originals+camera");
  const [formats, formatLabel] = field("Formats, the dearest first (with +)", "", "png+heic+jpeg");
  const [rules, ruleLabel] = field("Then these rules, the first that tells two apart decides (with commas)", "resolution,lossless,size,oldest,path", "");
  const given = () => ({
    rules: [folders.value && `folders=${folders.value}`, formats.value && `formats=${formats.value}`, ...rules.value.split(",")].map((rule) => String(rule || "").trim()).filter(Boolean),
  });
  const shown = preview("/api/rules", given, numbers, ondone);
  for (const input of [folders, formats, rules]) input.addEventListener("change", shown.look);
  openDialog("Keep by rules", make("div", { class: "fields" }, folderLabel, formatLabel, ruleLabel),
    make("p", { class: "quiet" }, `Rules: ${RULES.join(", ")}. They decide open clusters among those shown.`), ...shown.parts);
}
