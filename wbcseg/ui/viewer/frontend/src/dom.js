// Makes an element: el("button", {class: "tool", onclick: f, "aria-pressed": true}, "Text", child …).
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value)
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value)
  }
  node.append(...children.filter(child => child !== null && child !== undefined))
  return node
}

export function pressed(button, on) {
  button.setAttribute("aria-pressed", on ? "true" : "false")
}

// Writes a probability or a Dice the way the page does.
export function share(value, digits = 3) {
  return Number.isNaN(value) ? "n/a" : value.toFixed(digits)
}
