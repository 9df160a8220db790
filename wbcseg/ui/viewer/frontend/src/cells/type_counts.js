import { createElement } from "../dom.js"

// How many cells there are of each type: the differential count in one line.

// Returns [type, count] of each type that cells have, in the order of the types; empty where no cell has a type.
export function countTypes(cells, types) {
  return types.map((type, index) => [type, cells.filter(cell => cell.type === index).length]).filter(([, count]) => count)
}

export function formatTypeCounts(counts) {
  return counts.map(([{ title }, count]) => `${title} ${count}`).join(", ")
}

// The line: in a narrow caption the names are short, with the full ones as tooltips. Of a crop, the count is null.
export function createTypeCounts(counts) {
  const items = counts.map(([{ title, short, colour }, count]) => {
    const swatch = createElement("i", { style: `--colour: ${colour}`, "aria-hidden": "true" })
    if (count === null) return createElement("span", { role: "listitem" }, swatch, title)
    const names = [createElement("span", { class: "long" }, title), createElement("span", { class: "short", "aria-hidden": "true" }, short === "?" ? title : short)]
    return createElement("span", { role: "listitem", title: `${title}: ${count}` }, swatch, ...names, createElement("b", {}, String(count)))
  })
  return createElement("span", { class: "type-counts", role: "list", "aria-label": counts[0][1] === null ? "Type of the cell" : "Cells by type" }, ...items)
}
