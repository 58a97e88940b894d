// One thing after another: what is asked for while a cluster loads, or a decision is on its way, waits
// and acts on what is shown by then. After a refusal the rest is not done, and the person is told.

import { tell, told } from "./api.js";

export class Turns {
  constructor() {
    this.waiting = [];
    this.busy = false;
  }

  // name: what the person pressed, empty for what the page itself has to do; act: does it, and returns
  // or promises false where it could not
  take(name, act) {
    this.waiting.push({ name, act });
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    while (this.waiting.length) {
      const { act } = this.waiting.shift();
      let done = false;
      try { done = await act(); } catch (error) { tell(`the page failed: ${error.message}`, "bad"); }
      // whoever pressed these had not seen that it was refused
      const left = done === false ? this.waiting.filter(({ name }) => name) : [];
      if (left.length) this.waiting = this.waiting.filter(({ name }) => !name);
      if (left.length) tell(`${told()}; not done after that: ${left.map(({ name }) => name).join(" ")}`, "bad");
    }
    this.busy = false;
  }
}
