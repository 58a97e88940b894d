// Requests, and what to say when one fails.

const toast = document.getElementById("toast");
let fading = 0;

export function tell(message, kind = "") {
  toast.textContent = message;
  toast.className = `shown ${kind}`;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.className = ""; }, kind === "bad" ? 7000 : 3500);
}

// what was told last
export const told = () => toast.textContent;

// {ok, status, body}: refusals are answers, told to the person; only a lost server is an error
export async function ask(path, body, raw = false) {
  const options = {};
  if (body !== undefined) {
    options.method = "POST";
    options.headers = raw ? {} : { "Content-Type": "application/json" };
    options.body = raw ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    tell("the review server does not answer; start 'lookalike review' again", "bad");
    return { ok: false, status: 0, body: {} };
  }
  let answer = {};
  try { answer = await response.json(); } catch { /* an empty or plain answer */ }
  if (answer.error) answer.message = sentence(answer.error);
  if (!response.ok) tell(answer.message || `the request failed (${response.status})`, "bad");
  return { ok: response.ok, status: response.status, body: answer };
}

// what was refused, as the command line says it
function sentence({ what, got, expected, remedy }) {
  return [what, got && `got ${got}`, expected && `expected ${expected}`, remedy].filter(Boolean).join("; ");
}

export function make(tag, attributes = {}, ...children) {
  const isSvg = ["svg", "polygon", "path", "rect", "line", "text", "circle", "g", "title"].includes(tag);
  const node = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export function bytes(count) {
  let value = count;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1000) return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

export const count = (value) => value.toLocaleString("en");
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

// a confidence in words, rounded down; none where nothing tells
export const sure = (value) => (value === null || value === undefined ? "confidence unknown" : `confidence ${value > 0.99 && value < 1 ? ">.99" : (Math.floor(value * 100 + 1e-6) / 100).toFixed(2)}`);
