// Icons of 20 by 20 units, drawn with lines in the colour of the text.

const ICONS = {
  select: "M5 3.5 15.5 9l-4.6 1.4L8.6 15z",
  add: "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6zM10 7v6M7 10h6",
  delete: "M4 6h12M8 6V4h4v2M5.6 6l.7 10h7.4l.7-10M8.5 9v4.5M11.5 9v4.5",
  split: "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6zM13.5 1.5l-7 17",
  merge: "M7.4 5a5 5 0 1 0 0 10M12.6 5a5 5 0 1 1 0 10M8 10h4M10.4 8.2 12.2 10l-1.8 1.8",
  region: "M4 7l7-3.5 5.5 6L13 16l-8.5-1.5z",
  undo: "M7.5 4 4 7.5 7.5 11M4 7.5h7.5a4.3 4.3 0 0 1 0 8.6H8",
  redo: "M12.5 4 16 7.5 12.5 11M16 7.5H8.5a4.3 4.3 0 0 0 0 8.6H12",
  numbers: "M7.6 3.5 6 16.5M14 3.5l-1.6 13M3.5 7.5h13M3.5 12.5h13",
  fill: "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6zM6 6.5l7.5 7.5M10 3.5l6.5 6.5M3.5 10l6.5 6.5",
}
const DASHED = ["region"]
const NAMESPACE = "http://www.w3.org/2000/svg"

export function createIcon(name) {
  const svg = document.createElementNS(NAMESPACE, "svg"), path = document.createElementNS(NAMESPACE, "path")
  svg.setAttribute("viewBox", "0 0 20 20")
  svg.setAttribute("aria-hidden", "true")
  path.setAttribute("d", ICONS[name])
  if (DASHED.includes(name)) path.setAttribute("stroke-dasharray", "3 2.4")
  svg.append(path)
  return svg
}
