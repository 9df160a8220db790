import { computeBounds, containsPoint } from "./geometry.js"

// Which cells count: those in the region, by the rule for cells that the image's edge cuts off. Python counts in the same
// way; the browser does, too, so that the count follows at once.

// Returns whether a cell counts by an edge rule: a cell that an excluded edge of the image cuts off does not.
export function isCountedByRule(cell, { excluded_edges: [top, bottom, left, right] }, { width, height }) {
  if (!cell.cut_off) return true
  if (top && bottom && left && right) return false
  const bounds = computeBounds(cell.outline)
  return !(top && bounds.top < 1) && !(bottom && bounds.bottom >= height - 1) && !(left && bounds.left < 1) && !(right && bounds.right >= width - 1)
}

// Returns the cells that count. A cell is in the region if its centroid is; without a region, all are.
export function selectCounted(cells, region, rule, size) {
  return cells.filter(cell => isCountedByRule(cell, rule, size) && (!region || containsPoint(region, ...cell.centroid)))
}

export function formatCellCount(count) {
  return count === 0 ? "no white blood cells" : count === 1 ? "1 white blood cell" : `${count} white blood cells`
}

// Returns the counts in one line, such as "32 white blood cells · 30 by the two-edge rule · 12 in the region".
export function formatCounts(cells, region, rule, size) {
  const parts = [formatCellCount(cells.length)]
  if (rule.phrase) parts.push(`${selectCounted(cells, null, rule, size).length} ${rule.phrase}`)
  if (region) parts.push(`${selectCounted(cells, region, rule, size).length} in the region`)
  return parts.join(" · ")
}
