export function open(element) { element.textContent = "Apply with: lookalike plan"; }
