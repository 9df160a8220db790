import { computeBounds, containsPoint } from "./geometry.js"

// Which cells count: those in the region, by the rule for cells that the image's edge cuts off.

// Returns whether a cell counts. A cell is in the region if its centroid is. By the rule "two_edges", a cell cut off by the
// bottom or the right edge does not count; by "complete", none that is cut off does.
export function isCounted(cell, region, edgeRule, { width, height }) {
  if (region && !containsPoint(region, ...cell.centroid)) return false
  if (!cell.cut_off || edgeRule === "all") return true
  if (edgeRule === "complete") return false
  const { right, bottom } = computeBounds(cell.outline)
  return right < width - 1 && bottom < height - 1
}

export function selectCounted(cells, region, edgeRule, size) {
  return cells.filter(cell => isCounted(cell, region, edgeRule, size))
}

export function formatCellCount(count) {
  return count === 0 ? "No white cell" : count === 1 ? "1 white cell" : `${count} white cells`
}

// Returns the count in words: "3 of 12 white cells counted" where not all count.
export function describeCount(cells, counted) {
  return counted.length === cells.length ? formatCellCount(cells.length) : `${counted.length} of ${formatCellCount(cells.length)} counted`
}
