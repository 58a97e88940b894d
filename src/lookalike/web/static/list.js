// The list of clusters: a fixed row height, a few dozen row elements used again and again.
// Filtering and sorting work on the columns that came once; names and pictures come by page.

import { ask, bytes, make, plural, sure } from "./api.js";

const ROW = 66;
const MOST_PIXELS = 12_000_000; // browsers cap the height of an element
const MARK = ["", "✓", "◐"];

export class List {
  // onselect: a cluster was chosen; onpick: a person points at one
  constructor(element, onselect, onpick) {
    this.element = element;
    this.height = element.querySelector(".height");
    this.onselect = onselect;
    this.order = [];
    this.place = new Map();
    this.known = new Map();
    this.asked = new Set();
    this.pool = [];
    this.at = -1;
    this.drawing = 0;
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(element);
    element.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) onpick(Number(row.dataset.number));
    });
  }

  load(index) {
    this.index = index;
    this.known.clear();
    this.asked.clear();
  }

  // numbers of clusters in the order in which they are shown
  show(order, number) {
    this.order = order;
    this.place = new Map(order.map((value, place) => [value, place]));
    const full = order.length * ROW;
    this.scale = full > MOST_PIXELS ? full / MOST_PIXELS : 1;
    this.height.style.height = `${Math.min(full, MOST_PIXELS)}px`;
    for (const row of this.pool) row.dataset.place = -1;
    this.at = number !== undefined && this.place.has(number) ? this.place.get(number) : Math.min(0, order.length - 1);
    this.keepInView();
    this.render();
  }

  get number() { return this.order[this.at]; }

  select(place) {
    if (!(place >= 0 && place < this.order.length)) return;
    this.at = place;
    this.keepInView();
    this.render();
    this.onselect(this.number);
  }

  move(by) { this.select(Math.max(0, Math.min(this.order.length - 1, this.at + by))); }

  first() { return Math.floor(this.element.scrollTop * this.scale / ROW); }

  keepInView() {
    const view = this.element.clientHeight;
    const top = this.at * ROW;
    const scrolled = this.element.scrollTop * this.scale;
    if (top < scrolled) this.element.scrollTop = top / this.scale;
    else if (top + ROW > scrolled + view) this.element.scrollTop = (top + ROW - view) / this.scale;
  }

  draw() {
    if (!this.drawing) this.drawing = requestAnimationFrame(() => { this.drawing = 0; this.render(); });
  }

  render() {
    if (!this.index) return;
    const visible = Math.ceil(this.element.clientHeight / ROW) + 1;
    const wanted = visible + 8;
    while (this.pool.length < wanted) this.pool.push(this.blank());
    const top = this.element.scrollTop;
    const exact = top * this.scale / ROW;
    const start = Math.max(0, Math.min(Math.floor(exact) - 4, this.order.length - wanted));
    const missing = [];
    for (let place = start; place < start + this.pool.length; place++) {
      const row = this.pool[place % this.pool.length];
      const number = this.order[place];
      row.hidden = number === undefined;
      if (number === undefined) { row.dataset.place = -1; continue; }
      row.style.transform = `translateY(${Math.round(top + (place - exact) * ROW)}px)`;
      if (this.scale === 1) row.style.transform = `translateY(${place * ROW}px)`;
      const known = this.known.get(number);
      if (row.dataset.place !== String(place) || (known && row.known !== known)) this.fill(row, place, number, known);
      row.setAttribute("aria-selected", place === this.at);
      if (place === this.at) this.element.setAttribute("aria-activedescendant", row.id);
      if (!known && !this.asked.has(number)) missing.push(number);
    }
    if (missing.length) this.fetchSoon();
  }

  blank() {
    const row = make("div", { class: "row", role: "option", id: `row-${this.pool.length}`, "data-place": -1 },
      make("img", { alt: "", width: 56, height: 56, decoding: "async" }), make("img", { alt: "", width: 56, height: 56, decoding: "async", class: "second" }),
      make("div", { class: "words" }, make("b"), make("small"), make("small", { class: "facts" })), make("i", { class: "mark" }));
    [row.one, row.two, row.words, row.mark] = row.children;
    this.height.append(row);
    return row;
  }

  // the columns are always there; a name and pictures follow when they have come
  fill(row, place, number, known) {
    const { index } = this;
    const moved = row.dataset.place !== String(place);
    row.dataset.place = place;
    row.dataset.number = number;
    row.known = known;
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-setsize", this.order.length);
    const [name, edit, facts] = row.words.children;
    name.textContent = known ? known.name : `cluster ${number + 1}`;
    edit.textContent = known ? known.edit : index.edits[number].map((kind) => index.kinds[kind]).join(", ");
    const tier = index.tiers[index.tier[number]];
    facts.textContent = `${plural(index.size[number], "picture")} · ${tier} ${sure(index.confidence[number]).replace("confidence ", "")} · ${bytes(index.bytes[number])}`;
    row.mark.textContent = MARK[index.state[number]];
    row.mark.title = ["", "decided", "decided in part"][index.state[number]];
    for (const [image, at] of [[row.one, 0], [row.two, 1]]) {
      const content = known && known.contents[at];
      if (content) {
        if (image.dataset.content !== content) { image.dataset.content = content; image.src = `/thumb/${content}`; }
      } else if (moved) { image.removeAttribute("src"); delete image.dataset.content; }
    }
  }

  fetchSoon() {
    if (this.waiting) return;
    this.waiting = setTimeout(async () => {
      this.waiting = 0;
      const start = Math.max(0, this.first() - 10);
      const near = this.order.slice(start, start + this.pool.length + 20);
      const numbers = near.filter((number) => !this.known.has(number) && !this.asked.has(number));
      if (!numbers.length) return;
      numbers.forEach((number) => this.asked.add(number));
      const { ok, body } = await ask("/api/rows", { numbers });
      if (ok) this.learn(body);
      else numbers.forEach((number) => this.asked.delete(number));
      if (this.known.size > 6000) { this.known.clear(); this.asked.clear(); }
    }, 40);
  }

  learn(rows) {
    for (const row of rows) {
      this.known.set(row.number, row);
      this.index.bytes[row.number] = row.bytes;
      this.index.state[row.number] = row.state;
      this.index.confidence[row.number] = row.confidence;
    }
    this.draw();
  }

  forget() {
    this.known.clear();
    this.asked.clear();
    for (const row of this.pool) row.dataset.place = -1;
    this.draw();
  }
}
