// Creates an element: createElement("button", {class: "tool", onclick: f, "aria-pressed": true}, "Text", child …).
export function createElement(tag, properties = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value)
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value)
  }
  node.append(...children.filter(child => child !== null && child !== undefined))
  return node
}

export function setPressed(button, isPressed) {
  button.setAttribute("aria-pressed", isPressed ? "true" : "false")
}

// Formats a probability or a Dice as the rest of the page does.
export function formatScore(value, digits = 3) {
  return Number.isNaN(value) ? "n/a" : value.toFixed(digits)
}

const LIST_STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }

// Returns the position after a key in a list of a length; null for keys that do not move in lists.
export function findNextIndex(index, key, length) {
  return key in LIST_STEPS ? Math.min(length - 1, Math.max(0, index + LIST_STEPS[key])) : null
}
