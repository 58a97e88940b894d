// Which clusters are shown, and in what order: all of it on columns, in the browser.

const field = (id) => document.getElementById(id);
const NAMES = ["sort", "state", "tier", "edit", "size", "confidence", "folder"];

export function prepareFilters(index, onchange) {
  const add = (id, values) => values.forEach((value, at) => field(id).add(new Option(value, at)));
  add("tier", index.tiers);
  add("edit", index.kinds);
  const folders = [...index.folder_names].sort().slice(0, 2000);
  field("folders").replaceChildren(...folders.map((name) => Object.assign(document.createElement("option"), { value: name })));
  for (const name of NAMES) field(name).addEventListener(name === "folder" ? "input" : "change", onchange);
}

export function chosen(index) {
  const value = Object.fromEntries(NAMES.map((name) => [name, field(name).value]));
  const [least, most] = value.size ? value.size.split("-").map(Number) : [0, Infinity];
  const [low, high] = value.confidence ? value.confidence.split("-").map(Number) : [0, 2];
  const inside = value.folder && new Set(index.folder_names.flatMap((name, at) =>
    name === value.folder || name.startsWith(`${value.folder}/`) || (!field("folders").querySelector(`option[value="${CSS.escape(value.folder)}"]`) && name.includes(value.folder)) ? [at] : []));
  const kept = [];
  for (let n = 0; n < index.size.length; n++) {
    if (index.size[n] < least || index.size[n] > most) continue;
    if (index.confidence[n] < low || (high <= 1 && (high === 1 ? index.confidence[n] > 1 : index.confidence[n] >= high))) continue;
    if (value.tier !== "" && index.tier[n] !== Number(value.tier)) continue;
    if (value.edit !== "" && !index.edits[n].includes(Number(value.edit))) continue;
    if (value.state === "open" && index.state[n] === 1) continue;
    if (value.state === "done" && index.state[n] !== 1) continue;
    if (inside && !index.folders[n].some((folder) => inside.has(folder))) continue;
    kept.push(n);
  }
  const by = {
    bytes: (a, b) => index.bytes[b] - index.bytes[a] || a - b,
    unsure: (a, b) => index.confidence[a] - index.confidence[b] || a - b,
    size: (a, b) => index.size[b] - index.size[a] || a - b,
    number: (a, b) => a - b,
  }[value.sort];
  return kept.sort(by);
}

export const isFiltered = () => NAMES.slice(1).some((name) => field(name).value !== "");
