// One cluster: its pictures side by side, what is decided about each, and why.

import { ask, bytes, make, plural, sure } from "./api.js";
import { Compare } from "./compare.js";

const WORDS = { keeper: "stays", keep: "stays too", drop: "goes", apart: "another picture" };

export class Detail {
  constructor(element, ondecided, onback) {
    this.element = element;
    this.ondecided = ondecided;
    this.onback = onback;
    this.compare = new Compare();
    this.comparing = false;
    this.at = 0;
  }

  open(number, picture) {
    this.opening = this.fetch(number, picture);
    return this.opening;
  }

  async fetch(number, picture) {
    this.wanted = number;
    if (number === undefined) { this.cluster = undefined; this.element.replaceChildren(make("p", { class: "quiet" }, "No cluster matches these filters.")); return; }
    const { ok, body } = await ask(`/api/cluster/${number}`);
    if (ok && this.wanted === number) this.show(body, picture);
  }

  show(cluster, picture) {
    const same = this.cluster && this.cluster.number === cluster.number;
    const before = picture ?? (same ? this.member?.picture : undefined);
    this.cluster = cluster;
    const found = cluster.members.findIndex((member) => member.picture === before);
    this.at = found >= 0 ? found : Math.min(1, cluster.members.length - 1);
    this.render();
  }

  get member() { return this.cluster && this.cluster.members[this.at]; }

  // whom a picture is compared with: the keeper of its part, or of the first
  partner() {
    const own = this.cluster.members.find((m) => m.part === this.member.part && m.action === "keeper" && m !== this.member);
    return own || this.cluster.members.find((m) => m !== this.member);
  }

  move(by) {
    if (!this.cluster) return;
    this.pick(Math.max(0, Math.min(this.cluster.members.length - 1, this.at + by)));
  }

  pick(at) {
    if (!this.cluster || at >= this.cluster.members.length) return;
    this.at = at;
    [...this.element.querySelectorAll(".card")].forEach((card, n) => {
      card.classList.toggle("picked", n === at);
      card.querySelector(".face").setAttribute("aria-pressed", n === at);
      if (n === at && !this.comparing) card.scrollIntoView({ block: "nearest" });
    });
    if (this.comparing) this.showCompare();
  }

  async decide(what, member = this.member) {
    if (!this.cluster || !member) return false;
    const same = member.marked === what;
    const { number, version } = this.cluster;
    const body = { version, do: same ? "clear" : what, picture: member.picture };
    return this.send(number, body, same ? "" : what);
  }

  async send(number, asked) {
    const { ok, status, body } = await ask(`/api/cluster/${number}`, asked);
    if (status === 409 && body.cluster) this.show(body.cluster);
    if (ok) { this.show(body.cluster); }
    if (ok || status === 409) this.ondecided(body);
    return ok;
  }

  accept() { return this.send(this.cluster.number, { version: this.cluster.version, do: "accept" }); }

  none() { return this.send(this.cluster.number, { version: this.cluster.version, do: "none" }); }

  pairApart() {
    const pair = [this.member.picture, this.partner().picture];
    return this.send(this.cluster.number, { version: this.cluster.version, do: "pair apart", pair });
  }

  toggleCompare() {
    this.comparing = !this.comparing;
    if (this.comparing) this.showCompare();
    else this.compare.element.remove();
    this.element.querySelector(".compare-toggle")?.setAttribute("aria-pressed", this.comparing);
  }

  showCompare() {
    if (!this.cluster || this.cluster.members.length < 2) return;
    const cards = this.element.querySelector(".cards");
    if (!this.compare.element.isConnected) cards.before(this.compare.element);
    this.compare.show(this.cluster.number, this.member, this.partner());
  }

  render() {
    const { cluster } = this;
    const gone = cluster.members.filter((m) => m.action === "drop").length;
    const button = (label, key, act, more = {}) => make("button", { onclick: act, title: `${label} (${key})`, ...more }, label, make("kbd", {}, key));
    this.element.replaceChildren(
      make("div", { class: "bar" },
        make("button", { class: "back", onclick: this.onback, "aria-label": "Back to the list" }, "‹"),
        make("h2", { title: cluster.name }, cluster.name),
        make("span", { class: "quiet" }, `${plural(cluster.members.length, "picture")}, ${gone} go${gone === 1 ? "es" : ""}, ${bytes(cluster.bytes)} · ${sure(cluster.confidence)}${cluster.state === 1 ? " · decided" : ""}`),
        make("span", { class: "acts" },
          button("Accept", "a", () => this.element.dispatchEvent(new Event("accept")), { class: "main accept" }),
          button("Compare", "c", () => this.toggleCompare(), { class: "compare-toggle", "aria-pressed": this.comparing }),
          button("No match at all", "N", () => this.none()))),
      make("div", { class: "cards" }, ...cluster.members.map((member, n) => this.card(member, n))));
    if (this.comparing) this.showCompare();
  }

  card(member, n) {
    const is = (what) => member.action === what || undefined;
    const act = (label, key, what) => make("button", { "aria-pressed": Boolean(is(what)), class: what, title: `${label} (${key})`, "aria-label": `${label}: ${member.name}`,
      onclick: () => { this.at = n; this.decide(what, member); } }, label);
    const tie = member.tie;
    return make("article", { class: `card ${member.action}${n === this.at ? " picked" : ""}`, "data-picture": member.picture },
      make("button", { class: "face", "aria-pressed": n === this.at, "aria-label": `${member.name}, ${WORDS[member.action]}`, onclick: () => this.pick(n), ondblclick: () => { this.pick(n); if (!this.comparing) this.toggleCompare(); } },
        make("img", { src: `/picture/${member.sha256}`, alt: member.name, decoding: "async", width: member.width, height: member.height, onerror: (event) => { event.target.alt = "changed, or cannot be read any more"; } })),
      make("div", { class: "text" },
        make("p", { class: "name" }, make("b", { title: member.path }, member.name), make("span", { class: `badge ${member.action}` }, WORDS[member.action])),
        make("p", { class: "quiet path", title: member.path }, member.folder === "." ? "" : member.folder),
        make("p", { class: "facts" }, `${member.width}×${member.height} · ${member.type}${member.lossless ? " lossless" : ""} · ${bytes(member.bytes)} · ${member.modified}`),
        member.damage ? make("p", { class: "damage" }, `damaged: ${member.damage}`) : null,
        tie ? make("p", { class: "edit" }, make("b", {}, tie.tier), ` ${tie.edit} · ${sure(tie.confidence)}`) : null,
        make("p", { class: "quiet" }, `${member.by === "person" ? "by hand: " : "rule: "}${member.reason}`),
        make("div", { class: "choices" }, act("Stays", "s", "keeper"), act("Keep too", "e", "keep"), act("Drop", "d", "drop"), act("Not a match", "n", "apart"),
          make("button", { class: "more", title: "Search with this picture (i)", "aria-label": `Search with ${member.name}`, onclick: () => { this.at = n; this.element.dispatchEvent(new Event("search")); } }, "⌕"))));
  }
}

export { WORDS };
