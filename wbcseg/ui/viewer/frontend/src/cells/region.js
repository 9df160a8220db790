import { computeBounds, containsPoint } from "./geometry.js"

// Which cells count: those in the region, by the rule for cells that the image's edge cuts off. Python counts in the same
// way; the browser does, too, so that the count follows at once.

const RULE_PHRASES = { two_edges: "by the two-edge rule", complete: "not cut by the edge" }

// Returns whether a cell counts by an edge rule: by "two_edges", a cell cut off by the bottom or the right edge does not; by
// "complete", none that is cut off does.
export function isCountedByRule(cell, edgeRule, { width, height }) {
  if (!cell.cut_off || edgeRule === "all") return true
  if (edgeRule === "complete") return false
  const { right, bottom } = computeBounds(cell.outline)
  return right < width - 1 && bottom < height - 1
}

// Returns the cells that count. A cell is in the region if its centroid is; without a region, all are.
export function selectCounted(cells, region, edgeRule, size) {
  return cells.filter(cell => isCountedByRule(cell, edgeRule, size) && (!region || containsPoint(region, ...cell.centroid)))
}

export function formatCellCount(count) {
  return count === 0 ? "no white blood cells" : count === 1 ? "1 white blood cell" : `${count} white blood cells`
}

// Returns the counts in one line, such as "32 white blood cells · 30 by the two-edge rule · 12 in the region".
export function formatCounts(cells, region, edgeRule, size) {
  const parts = [formatCellCount(cells.length)]
  if (RULE_PHRASES[edgeRule]) parts.push(`${selectCounted(cells, null, edgeRule, size).length} ${RULE_PHRASES[edgeRule]}`)
  if (region) parts.push(`${selectCounted(cells, region, edgeRule, size).length} in the region`)
  return parts.join(" · ")
}
