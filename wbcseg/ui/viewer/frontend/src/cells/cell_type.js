import { createElement } from "../dom.js"

// The type of a cell: what it is filed under, the likeliest types with their probabilities, and a choice to file it anew.

// Returns the place of the type that a key stands for; null for other keys.
export function findTypeOfKey(event, count) {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return null
  const index = Number(event.key) - 1
  return index < count ? index : null
}

// Shows a type; calls `choose` with the place of another one, or with -1 for that of the type model.
export function createTypeBlock({ type, types, choose }) {
  const dot = index => createElement("i", { class: "type-dot", style: `background: ${types[index]?.colour ?? "transparent"}`, "aria-hidden": "true" })
  const select = createElement("select", { "aria-label": "Type of the cell", title: "File the cell under another type (1 to 9)" })
  if (!type) select.append(new Option("No type", ""))
  if (type?.is_assigned) select.append(new Option("As the type model says", "-1"))
  types.forEach(({ title }, index) => select.append(new Option(`${title} (${index + 1})`, String(index))))
  select.value = type ? String(type.index) : ""
  select.addEventListener("change", () => choose(Number(select.value)))
  const heading = createElement("p", { class: "filed" }, dot(type?.index), createElement("strong", {}, type?.title ?? "No type"), type?.is_assigned ? " · filed by a person" : "")
  const bars = (type?.likeliest ?? []).map(([index, probability]) => createElement("div", { class: "bar-row" },
    createElement("span", {}, types[index]?.title ?? ""),
    createElement("span", { class: "bar-track", "aria-hidden": "true" }, createElement("i", { style: `width: ${Math.round(100 * probability)}%; background: ${types[index]?.colour}` })),
    createElement("span", { class: "number" }, `${Math.round(100 * probability)} %`),
  ))
  const note = type?.note ? [createElement("p", { class: "note" }, type.note)] : []
  return createElement("div", { class: "cell-type", role: "group", "aria-label": "Type of the cell" }, heading, ...bars, ...note, createElement("label", {}, createElement("span", {}, "File under"), select))
}
