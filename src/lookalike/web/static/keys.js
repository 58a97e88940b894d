// Everything by keyboard; the same list is what ? shows.

import { make, tell } from "./api.js";
import { openDialog } from "./bulk.js";

export const KEYS = [
  ["j ↓ / k ↑", "next, previous cluster"],
  ["h ← / l →", "previous, next picture"],
  ["a Enter", "accept the cluster as shown, go to the next"],
  ["s", "this picture stays and stands for the cluster"],
  ["e", "keep this picture too"],
  ["d", "drop this picture"],
  ["n", "this picture is not a match; remembered for ever"],
  ["N", "no picture of the cluster matches another"],
  ["b", "the two pictures compared are not a match"],
  ["u", "undo the last decision"],
  ["c", "compare with the keeper"],
  ["1 2 3", "slider, blink, difference"],
  ["o", "outline of one picture on the other"],
  [", .", "move the slider"],
  ["i", "search with this picture"],
  ["x", "next open cluster"],
  ["g G", "first, last cluster"],
  ["PgUp PgDn", "ten clusters up, down"],
  ["f", "filter and sort"],
  ["A", "accept many, with a preview"],
  ["R", "keep by rules, with a preview"],
  ["[ ]", "previous, next tab"],
  ["Esc", "close; back to the list"],
  ["?", "these keys"],
];

export function help() {
  openDialog("Keys", make("table", { class: "keys" }, make("tbody", {}, ...KEYS.map(([keys, what]) => make("tr", {}, make("th", { scope: "row" }, ...keys.split(" ").flatMap((key) => (key === "/" ? [" "] : [make("kbd", {}, key), " "]))), make("td", {}, what))))));
}

const isField = (element) => element.matches("input:not([type=range]), select, textarea");
const isDialog = () => Boolean(document.querySelector("dialog[open]"));

// acts: what a key does here and now, if anything; turns: in which it is done
export function listen(acts, turns) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target, key } = event;
    const typing = isField(target);
    if (key === "Escape" && typing) { target.blur(); return; }
    if (typing || isDialog()) return;
    if ((key === "Enter" || key === " ") && target.matches("button, summary, a")) return;
    if (target.matches("input[type=range]") && key.startsWith("Arrow")) return;
    if (target.matches("[role=tab]") && (key === "ArrowLeft" || key === "ArrowRight")) return;
    if (!acts(key)) return;
    event.preventDefault();
    turns.take(key, () => {
      // a key before this one may have led elsewhere
      const act = isDialog() || isField(document.activeElement) ? undefined : acts(key);
      if (act) return act();
      tell(`${key} was not taken: the key before it led elsewhere`, "bad");
      return false;
    });
  });
}
