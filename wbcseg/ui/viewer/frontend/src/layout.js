// How the panels share the viewer: in rows of equal panels.

const MIN_PANEL_WIDTH = 132, GAP = 10, CAPTION_HEIGHT = 62

// Returns the number of columns that makes the panels largest without making the grid taller than the screen.
export function computeColumns(count, width, height, aspect) {
  let best = 1, bestScore = 0
  for (let columns = 1; columns <= count; columns++) {
    const side = (width - GAP * (columns - 1)) / columns
    if (side < MIN_PANEL_WIDTH && columns > 1) break
    const rows = Math.ceil(count / columns), gridHeight = rows * (side / aspect + CAPTION_HEIGHT)
    // Large panels count less if the user has to scroll, and slightly less if a row is not full.
    const score = side * Math.min(1, height / gridHeight) ** 2 * (count / (rows * columns)) ** 0.25
    if (score > bestScore + 1) {
      bestScore = score
      best = columns
    }
  }
  // Two side by side on a phone.
  return count > 1 && width >= 2 * MIN_PANEL_WIDTH + GAP ? Math.max(2, best) : best
}

// Returns the number of columns that shows the image largest in panels that fill a width and a height together.
export function computeFillColumns(count, width, height, aspect) {
  let best = 1, bestWidth = 0
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns), panelWidth = (width - GAP * (columns - 1)) / columns
    const panelHeight = (height - GAP * (rows - 1)) / rows - CAPTION_HEIGHT
    const imageWidth = Math.min(panelWidth, panelHeight * aspect)
    if (panelWidth < MIN_PANEL_WIDTH && columns > 1) break
    if (imageWidth > bestWidth + 1) {
      bestWidth = imageWidth
      best = columns
    }
  }
  return best
}

// Returns the height that is left for the panels in a viewer of a height, and 0 where the viewer grows with its panels.
export function computeFreeHeight(node, grid) {
  if (!node.classList.contains("filling")) return 0
  return parseFloat(getComputedStyle(node).minHeight) - (node.offsetHeight - grid.offsetHeight)
}
