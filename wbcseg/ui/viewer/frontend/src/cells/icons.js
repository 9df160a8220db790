// Icons of 20 by 20 units, drawn with lines in the colour of the text: those of the tools for cells, and of the toolbar.

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
  panels: "M3.5 4.5h6v11h-6zM11.5 4.5h5v4.5h-5zM11.5 11h5v4.5h-5z",
  swipe: "M3 5h14v10H3zM10 3v14M7.6 8.2 5.8 10l1.8 1.8M12.4 8.2l1.8 1.8-1.8 1.8",
  display: "M4 6h7M15 6h1M4 10h2M10 10h6M4 14h6M14 14h2M11 6a2 2 0 1 0 4 0 2 2 0 1 0-4 0M6 10a2 2 0 1 0 4 0 2 2 0 1 0-4 0M10 14a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  hide: "M2.5 10s2.8-5 7.5-5 7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5zM7.8 10a2.2 2.2 0 1 0 4.4 0 2.2 2.2 0 1 0-4.4 0",
  fit: "M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4",
  edit: "M4 16l.8-3.4L13.5 4l2.6 2.5-8.7 8.7zM11.8 5.8l2.5 2.5",
  image: "M3 4.5h14v11H3zM3.2 14l4-4.2 3 3 2.6-2.4 4 3.8M12.2 7.6a1 1 0 1 0 2 0 1 1 0 1 0-2 0",
  help: "M7.4 7.6a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.1.9-1.1 1.9M10 14.6v.2",
  side: "M3 4.5h14v11H3zM12.5 4.5v11",
  previous: "M12 4.5 6.5 10l5.5 5.5",
  next: "M8 4.5l5.5 5.5L8 15.5",
  differ: "M10 3.5 17.5 16h-15zM10 8.3v3.6M10 13.9v.1",
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
