// Two pictures laid on each other by the match's transform: slider, blink, difference.

import { ask, make } from "./api.js";

const MODES = [["slider", "1"], ["blink", "2"], ["difference", "3"]];

export class Compare {
  constructor() {
    this.mode = "slider";
    this.split = 50;
    this.lines = true;
    this.base = make("img", { alt: "" });
    this.other = make("img", { alt: "", class: "other" });
    this.box = make("polygon", {});
    this.svg = make("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }, this.box);
    this.edge = make("div", { class: "edge" });
    this.stage = make("div", { class: "stage" }, this.base, this.other, this.svg, this.edge);
    this.range = make("input", { type: "range", min: 0, max: 100, value: 50, step: 0.5, "aria-label": "Where one picture ends and the other begins", oninput: () => this.setSplit(Number(this.range.value)) });
    this.buttons = MODES.map(([name, key]) => make("button", { "aria-pressed": name === this.mode, title: `${name} (${key})`, onclick: () => this.setMode(name) }, name, make("kbd", {}, key)));
    this.linesButton = make("button", { "aria-pressed": true, title: "outline (o)", onclick: () => this.toggleLines() }, "outline", make("kbd", {}, "o"));
    this.names = make("p", { class: "quiet names" });
    this.words = make("div", { class: "why", tabindex: 0, role: "region", "aria-label": "Why they match" });
    this.element = make("section", { class: "compare slider", "aria-label": "Comparison" },
      make("div", { class: "modes" }, ...this.buttons, this.linesButton, this.range, this.names),
      make("div", { class: "two" }, this.stage, this.words));
    const drag = (event) => {
      if (this.mode !== "slider" || (event.type === "pointermove" && !event.buttons)) return;
      const frame = this.stage.getBoundingClientRect();
      this.setSplit(Math.max(0, Math.min(100, 100 * (event.clientX - frame.left) / frame.width)));
    };
    this.stage.addEventListener("pointerdown", drag);
    this.stage.addEventListener("pointermove", drag);
  }

  async show(number, member, partner) {
    const asked = `${number}/${member.picture}/${partner.picture}`;
    if (this.asked === asked) return;
    this.asked = asked;
    const { ok, body } = await ask(`/api/pair/${asked}`);
    if (!ok || this.asked !== asked) return;
    const laid = body.base !== undefined;
    const [under, over] = laid && body.base === member.picture ? [member, partner] : [partner, member];
    this.base.alt = under.name;
    this.other.alt = `${over.name}, laid over it`;
    this.stage.hidden = !laid;
    this.names.textContent = laid ? `left: ${over.name} · right: ${under.name}` : "";
    this.urls = laid ? Object.fromEntries(["base", "other", "difference"].map((which) => [which, `/overlay/${asked}/${body.overlay}/${which}`])) : null;
    if (laid) {
      this.stage.style.aspectRatio = `${body.width} / ${body.height}`;
      this.stage.style.maxWidth = `calc(58vh * ${body.width / body.height})`;
      const points = [];
      for (let n = 0; n < body.outline.length; n += 2) points.push(`${body.outline[n]},${body.outline[n + 1]}`);
      this.box.setAttribute("points", points.join(" "));
      this.base.src = this.urls.base;
    }
    const table = (rows) => make("table", {}, make("tbody", {}, ...rows.map(([name, value, means]) => make("tr", { title: means }, make("th", { scope: "row" }, name), make("td", {}, value), make("td", { class: "quiet" }, means)))));
    const numbers = body.numbers || [];
    this.more = make("div", {});
    this.words.replaceChildren(...(numbers.length > 1
      ? [make("p", { class: "quiet" }, "Tied through a third picture:"), ...numbers.map((rows, n) => make("details", {}, make("summary", {}, body.sentences[n]), table(rows)))]
      : [...body.sentences.map((words) => make("p", {}, words)), this.more, ...numbers.map(table)]));
    this.setMode(this.mode);
    const { ok: told, body: lines } = await ask(`/api/difference/${asked}`);
    if (told && this.asked === asked) this.more.replaceChildren(...lines.map((line) => make("p", {}, line)));
  }

  setMode(mode) {
    this.mode = mode;
    this.element.className = `compare ${mode}`;
    this.buttons.forEach((button, n) => button.setAttribute("aria-pressed", MODES[n][0] === mode));
    if (this.urls) this.other.src = mode === "difference" ? this.urls.difference : this.urls.other;
    clearInterval(this.blinking);
    this.other.style.visibility = "";
    if (mode === "blink") {
      this.blinking = setInterval(() => {
        if (!this.element.isConnected) { clearInterval(this.blinking); return; }
        this.other.style.visibility = this.other.style.visibility ? "" : "hidden";
      }, 600);
    }
    this.setSplit(this.split);
  }

  setSplit(split) {
    this.split = split;
    this.range.value = split;
    this.other.style.clipPath = this.mode === "slider" ? `inset(0 ${100 - split}% 0 0)` : "none";
    this.edge.style.left = `${split}%`;
  }

  toggleLines() {
    this.lines = !this.lines;
    this.svg.classList.toggle("off", !this.lines);
    this.linesButton.setAttribute("aria-pressed", this.lines);
  }
}
