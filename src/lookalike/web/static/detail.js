// One cluster: its pictures side by side, what is decided about each, and why.

import { ask, bytes, make, plural, sure } from "./api.js";
import { Compare } from "./compare.js";

const WORDS = { keeper: "stays", keep: "stays too", drop: "goes", apart: "another picture" };

export class Detail {
  // does: what the page does in turns with what a person points at
  constructor(element, does) {
    this.element = element;
    this.does = does;
    this.compare = new Compare();
    this.comparing = false;
    this.at = 0;
  }

  open(number, picture) {
    this.opening = this.fetch(number, picture);
    return this.opening;
  }

  // whether the cluster that was opened last is shown, once it has come or failed to
  async settled() {
    let opening;
    do { opening = this.opening; await opening; } while (opening !== this.opening);
    return this.cluster !== undefined && this.cluster.number === this.wanted;
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
    if (!this.cluster || !this.cluster.members[at]) return;
    this.at = at;
    [...this.element.querySelectorAll(".card")].forEach((card, n) => {
      card.classList.toggle("picked", n === at);
      card.querySelector(".face").setAttribute("aria-pressed", n === at);
      if (n === at && !this.comparing) card.scrollIntoView({ block: "nearest" });
    });
    if (this.comparing) this.showCompare();
  }

  pickPicture(picture) { this.pick(this.cluster?.members.findIndex((member) => member.picture === picture) ?? -1); }

  // a cluster that a person saw, as it is shown by now
  latest(cluster) { return this.cluster?.number === cluster.number ? this.cluster : cluster; }

  decide(what, cluster = this.cluster, { picture } = this.member) {
    const { marked } = this.latest(cluster).members.find((member) => member.picture === picture);
    return this.send(cluster, { do: marked === what ? "clear" : what, picture });
  }

  async send(cluster, asked) {
    const { number, version } = this.latest(cluster);
    const { ok, status, body } = await ask(`/api/cluster/${number}`, { version, ...asked });
    if (body.cluster && this.wanted === number) this.show(body.cluster);
    if (ok || status === 409) this.does.learn(body);
    return ok;
  }

  accept(cluster = this.cluster) { return this.send(cluster, { do: "accept" }); }

  none(cluster = this.cluster) { return this.send(cluster, { do: "none" }); }

  pairApart() { return this.send(this.cluster, { do: "pair apart", pair: [this.member.picture, this.partner().picture] }); }

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
    const { cluster, does } = this;
    const gone = cluster.members.filter((m) => m.action === "drop").length;
    const button = (label, key, act, more = {}) => make("button", { onclick: act, title: `${label} (${key})`, ...more }, label, make("kbd", {}, key));
    this.element.replaceChildren(
      make("div", { class: "bar" },
        make("button", { class: "back", onclick: does.back, "aria-label": "Back to the list" }, "‹"),
        make("h2", { title: cluster.name }, cluster.name),
        make("span", { class: "quiet" }, `${plural(cluster.members.length, "picture")}, ${gone} go${gone === 1 ? "es" : ""}, ${bytes(cluster.bytes)} · ${sure(cluster.confidence)}${cluster.state === 1 ? " · decided" : ""}`),
        make("span", { class: "acts" },
          button("Accept", "a", () => does.accept(cluster), { class: "main accept" }),
          button("Compare", "c", does.compare, { class: "compare-toggle", "aria-pressed": this.comparing }),
          button("No match at all", "N", () => does.none(cluster)))),
      make("div", { class: "cards" }, ...cluster.members.map((member, n) => this.card(cluster, member, n))));
    if (this.comparing) this.showCompare();
  }

  card(cluster, member, n) {
    const { does } = this;
    const is = (what) => member.action === what || undefined;
    const act = (label, key, what) => make("button", { "aria-pressed": Boolean(is(what)), class: what, title: `${label} (${key})`, "aria-label": `${label}: ${member.name}`,
      onclick: () => does.decide(what, cluster, member) }, label);
    const tie = member.tie;
    return make("article", { class: `card ${member.action}${n === this.at ? " picked" : ""}`, "data-picture": member.picture },
      make("button", { class: "face", "aria-pressed": n === this.at, "aria-label": `${member.name}, ${WORDS[member.action]}`, onclick: () => does.pick(member), ondblclick: () => does.look(member) },
        make("img", { src: `/picture/${member.sha256}`, alt: member.name, decoding: "async", width: member.width, height: member.height, onerror: (event) => { event.target.alt = "changed, or cannot be read any more"; } })),
      make("div", { class: "text" },
        make("p", { class: "name" }, make("b", { title: member.path }, member.name), make("span", { class: `badge ${member.action}` }, WORDS[member.action])),
        make("p", { class: "quiet path", title: member.path }, member.folder === "." ? "" : member.folder),
        make("p", { class: "facts" }, `${member.width}×${member.height} · ${member.type}${member.lossless ? " lossless" : ""} · ${bytes(member.bytes)} · ${member.modified}`),
        member.damage ? make("p", { class: "damage" }, `damaged: ${member.damage}`) : null,
        tie ? make("p", { class: "edit" }, make("b", {}, tie.tier), ` ${tie.edit} · ${sure(tie.confidence)}`) : null,
        make("p", { class: "quiet" }, `${member.by === "person" ? "by hand: " : "rule: "}${member.reason}`),
        make("div", { class: "choices" }, act("Stays", "s", "keeper"), act("Keep too", "e", "keep"), act("Drop", "d", "drop"), act("Not a match", "n", "apart"),
          make("button", { class: "more", title: "Search with this picture (i)", "aria-label": `Search with ${member.name}`, onclick: () => does.search(member) }, "⌕"))));
  }
}

export { WORDS };
