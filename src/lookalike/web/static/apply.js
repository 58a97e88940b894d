// What would happen to files, shown whole; then it happens, and can be taken back.

import { ask, bytes, make, plural, tell } from "./api.js";

let page;

export function open(element, context) {
  if (!page) page = build(element);
  page.context = context;
  look();
}

function build(element) {
  const rules = make("input", { type: "checkbox", id: "with-rules", onchange: () => look() });
  const least = make("input", { type: "number", min: 0, max: 1, step: 0.01, placeholder: "any", onchange: () => look() });
  const folders = make("input", { placeholder: "none", spellcheck: "false", autocomplete: "off", onchange: () => look() });
  const kind = make("select", { onchange: () => { moveTo.hidden = kind.value !== "move"; } },
    ...[["trash", "into the trash"], ["move", "into a folder"], ["hardlink", "become hard links of what stays (equal bytes)"], ["reflink", "share the blocks of what stays (equal bytes)"]].map(([value, words]) => make("option", { value }, words)));
  const folder = make("input", { id: "move-to", placeholder: "/absolute/folder", spellcheck: "false", autocomplete: "off" });
  const moveTo = make("label", { hidden: true }, "Folder ", folder);
  const go = make("button", { class: "main", id: "apply-go", disabled: true, onclick: () => apply() }, "Apply");
  const told = make("p", { class: "told", "aria-live": "polite", id: "plan-told" });
  const outcome = make("p", { "aria-live": "polite", id: "outcome" });
  const journals = make("div", {});
  const list = make("ol", { class: "steps", "aria-label": "What would go" });
  const refused = make("div", {});
  element.append(
    make("div", { class: "applying" },
      make("section", { class: "chart", "aria-label": "Plan" },
        make("div", { class: "fields" },
          make("label", { class: "wide check" }, rules, " also clusters that nobody decided, as the rules decide them"),
          make("label", {}, "Confidence at least", least),
          make("label", {}, "Folders to leave alone (with commas)", folders),
          make("label", {}, "Copies go", kind), moveTo),
        told, make("div", { class: "row-of-buttons" }, make("button", { onclick: () => look() }, "Look again"), go), outcome, journals),
      make("section", { "aria-label": "Steps" }, list, refused)));
  return { rules, least, folders, kind, folder, go, told, outcome, journals, list, refused };
}

let asked = 0;

async function look() {
  const turn = ++asked;
  page.go.disabled = true;
  page.told.textContent = "Looking at the files…";
  const protectedFolders = page.folders.value.split(",").map((name) => name.trim()).filter(Boolean);
  const { ok, body } = await ask("/api/plan", { rules: page.rules.checked, least: page.least.value, protected: protectedFolders });
  if (turn !== asked) return; // a later look is under way
  if (!ok) { page.told.textContent = body.message || ""; return; }
  page.plan = body.plan;
  page.told.textContent = body.count
    ? `${plural(body.count, "picture")} would go, ${bytes(body.bytes)}${body.companions ? `, with ${plural(body.companions, "file")} that belong to them` : ""}. Nothing was changed.`
    : page.rules.checked ? "Nothing would go." : "Nothing is decided yet: accept or decide clusters first.";
  page.go.disabled = !body.count;
  page.go.textContent = body.count ? `Apply to ${plural(body.count, "picture")}…` : "Apply";
  showJournals(body.journals);
  page.list.replaceChildren(...body.steps.map(step));
  if (body.count > body.steps.length) page.list.append(make("li", { class: "quiet" }, `and ${plural(body.count - body.steps.length, "more picture", "more pictures")}`));
  page.refused.replaceChildren(...(body.refused.length ? [make("h2", {}, "Stays after all"), make("ul", {}, ...body.refused.map(([path, reason]) => make("li", {}, path, make("span", { class: "quiet" }, `: ${reason}`))))] : []));
}

function step(one) {
  const image = (content, name) => content === null ? make("span", { class: "none" }) : make("img", { src: `/thumb/${content}`, alt: name, loading: "lazy", width: 56, height: 56 });
  const more = [...one.notes, one.metadata.length ? `only it has: ${one.metadata.join(", ")}` : "", one.companions.length ? `with ${one.companions.join(", ")}` : ""].filter(Boolean).join("; ");
  return make("li", {}, image(one.content, one.name), make("div", {},
    make("b", { title: one.path }, one.name), make("small", {}, `${bytes(one.bytes)} · ${one.by === "person" ? "by hand" : "rule"}: ${one.reason}`), make("small", { class: "note" }, more)),
    make("span", { class: "arrow", "aria-label": "stays instead" }, "→"), image(one.keeper, one.keeper_name), make("small", { class: "quiet" }, one.keeper_name));
}

async function apply() {
  const words = page.go.textContent;
  // the first press arms the button; the second, on the same plan, acts
  if (page.armed !== page.plan) {
    page.armed = page.plan;
    page.go.textContent = "Really? Press again";
    setTimeout(() => { if (page.armed) { page.armed = null; page.go.textContent = words; } }, 5000);
    return;
  }
  page.armed = null;
  page.go.disabled = true;
  page.outcome.textContent = "Working…";
  const watching = setInterval(async () => { const { ok, body } = await ask("/api/apply/progress"); if (ok && body[2]) page.outcome.textContent = `Working… ${body[1]} of ${body[2]}`; }, 500);
  const { ok, body } = await ask("/api/apply", { plan: page.plan, kind: page.kind.value, folder: page.folder.value });
  clearInterval(watching);
  page.outcome.textContent = ok ? result(body, "went") : body.message || "";
  if (ok) { showJournals(body.journals); await look(); }
}

function result(body, verb) {
  const { counts } = body;
  const trouble = body.trouble.map(([path, state, message]) => `${state}: ${path}: ${message}`).join(" · ");
  return `${plural(counts.done, "picture")} ${verb}, ${bytes(body.bytes)}${trouble ? ` · ${trouble}` : ""}`;
}

function showJournals(journals) {
  page.journals.replaceChildren(...(journals.length ? [make("h2", {}, "Applied"), make("ul", { class: "journals" }, ...journals.map((journal) =>
    make("li", {}, `${journal.when.replace("T", " ").slice(0, 16)} UTC, ${plural(journal.count, "picture")} `, make("button", { onclick: (event) => bringBack(event.target, journal.name) }, "Undo"))))] : []));
}

async function bringBack(button, journal) {
  button.disabled = true;
  page.outcome.textContent = "Bringing back…";
  const { ok, body } = await ask("/api/bring-back", { journal });
  page.outcome.textContent = ok ? result(body, "came back") : body.message || "";
  if (ok) { tell("brought back"); await look(); }
}
