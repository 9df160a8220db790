// Where the tiles of the gallery are: groups with a header and rows of tiles. Only the rows in view get elements. No DOM.

export const GAP = 8
export const CAPTION = 18
export const HEADER = 34
export const EMPTY = 4

// Returns the layout of groups: {groups: [{top, gridTop, bottom, columns, …}], height, columns, cellWidth, cellHeight}.
export function layoutGroups(groups, width, size) {
  const cellWidth = size + GAP, cellHeight = size + CAPTION + GAP
  const columns = Math.max(1, Math.floor((width + GAP) / cellWidth))
  let top = 0
  const placed = groups.map(group => {
    const rows = Math.ceil(group.cells.length / columns)
    const gridTop = top + HEADER, bottom = gridTop + (rows ? rows * cellHeight : EMPTY)
    const result = { ...group, top, gridTop, bottom, rows }
    top = bottom
    return result
  })
  return { groups: placed, height: top, columns, cellWidth, cellHeight, size }
}

// Returns the tiles that touch a range of heights: [{cell, x, y, position, group}].
export function findVisible(layout, from, to) {
  const { columns, cellWidth, cellHeight } = layout, visible = []
  for (const group of layout.groups) {
    if (group.bottom < from || group.top > to) continue
    const first = Math.max(0, Math.floor((from - group.gridTop) / cellHeight)) * columns
    const last = Math.min(group.cells.length, (Math.floor((to - group.gridTop) / cellHeight) + 1) * columns)
    for (let i = first; i < last; i++) {
      visible.push({ cell: group.cells[i], group, position: i, x: (i % columns) * cellWidth, y: group.gridTop + Math.floor(i / columns) * cellHeight })
    }
  }
  return visible
}

// Returns the place of a cell: {x, y, group, position}, null if it is not in the layout.
export function locate(layout, key) {
  const { columns, cellWidth, cellHeight } = layout
  for (const group of layout.groups) {
    const i = group.cells.findIndex(cell => cell.key === key)
    if (i >= 0) return { group, position: i, x: (i % columns) * cellWidth, y: group.gridTop + Math.floor(i / columns) * cellHeight }
  }
  return null
}

// Returns the cells whose tile a rectangle touches.
export function findInRectangle(layout, x1, y1, x2, y2) {
  const [left, right] = [Math.min(x1, x2), Math.max(x1, x2)], [top, bottom] = [Math.min(y1, y2), Math.max(y1, y2)]
  return findVisible(layout, top, bottom)
    .filter(({ x, y }) => x <= right && x + layout.size >= left && y <= bottom && y + layout.size >= top)
    .map(({ cell }) => cell)
}

export function findGroupAt(layout, y) {
  return layout.groups.find(group => y >= group.top && y < group.bottom) ?? null
}

// Returns the cell that an arrow key leads to. Rows of different groups follow each other.
export function move(layout, key, direction) {
  const place = locate(layout, key), ordered = layout.groups.flatMap(group => group.cells)
  if (!place) return ordered[0] ?? null
  const { columns } = layout, { group, position } = place
  const index = ordered.indexOf(group.cells[position])
  if (direction === "left") return ordered[index - 1] ?? ordered[index]
  if (direction === "right") return ordered[index + 1] ?? ordered[index]
  const column = position % columns, filled = layout.groups.filter(({ cells }) => cells.length), at = filled.indexOf(group)
  if (direction === "down") {
    if (position + columns < group.cells.length) return group.cells[position + columns]
    // The last row may be short.
    if (Math.floor(position / columns) < group.rows - 1) return group.cells.at(-1)
    const next = filled[at + 1]
    return next ? next.cells[Math.min(column, next.cells.length - 1)] : group.cells[position]
  }
  if (position - columns >= 0) return group.cells[position - columns]
  const previous = filled[at - 1]
  if (!previous) return group.cells[position]
  return previous.cells[Math.min((previous.rows - 1) * columns + column, previous.cells.length - 1)]
}
