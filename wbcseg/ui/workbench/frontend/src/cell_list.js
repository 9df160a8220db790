// The cells and what is computed from them: which are shown, in which order and groups. No DOM.

export const NO_TYPE = "No type yet"

// Returns the cells of a payload as objects; see wbcseg/ui/workbench/payload.py.
export function readCells({ columns, types, images }) {
  const unsure = types.findIndex(({ name }) => name === "unsure")
  return columns.key.map((key, i) => ({
    key,
    index: i,
    image: columns.image[i],
    imageName: images[columns.image[i]],
    number: columns.number[i],
    predicted: columns.predicted[i],
    probabilities: columns.probabilities[i],
    status: columns.status[i],
    reasons: columns.reasons[i],
    corrected: columns.corrected[i] === 1,
    counted: columns.counted[i] === 1,
    square: columns.square[i],
    sheet: columns.sheet[i],
    slot: columns.slot[i],
    values: columns.values.map(column => column[i]),
    type: columns.predicted[i],
    isAssigned: false,
    typeCount: types.length,
    unsure,
  }))
}

// The probability of the type that a cell is filed under, of the likeliest one if it is unsure; null where there is none.
export function getConfidence(cell) {
  return cell.probabilities?.[isUnsure(cell) ? getLikeliest(cell) : cell.type] ?? null
}

function isUnsure({ type, unsure }) {
  return type >= 0 && type === unsure
}

function getLikeliest({ probabilities }) {
  return probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1
}

// Returns whether a cell passes a filter: {types, statuses, images, minConfidence, maxConfidence, feature, low, high, refiled}.
export function passes(cell, filter) {
  if (filter.types?.length && !filter.types.includes(cell.type)) return false
  if (filter.statuses?.length && !filter.statuses.includes(cell.status)) return false
  if (filter.image !== null && filter.image !== undefined && cell.image !== filter.image) return false
  if (filter.refiled && !cell.isAssigned) return false
  const confidence = getConfidence(cell)
  if (filter.maxConfidence !== null && filter.maxConfidence !== undefined && confidence !== null && confidence > filter.maxConfidence) return false
  if (filter.feature >= 0) {
    const value = cell.values[filter.feature]
    if (filter.low !== null && filter.low !== undefined && !(value >= filter.low)) return false
    if (filter.high !== null && filter.high !== undefined && !(value <= filter.high)) return false
  }
  return true
}

// Returns how a sort key orders cells: a number, or null for last. Keys: "order", "confidence", "status", "image", "type"
// or "feature:N".
export function getSortValue(cell, key) {
  if (key === "confidence") return getConfidence(cell)
  if (key === "status") return -cell.status
  if (key === "image") return cell.image
  if (key === "type") return cell.type < 0 ? null : cell.type
  if (key.startsWith("feature:")) return cell.values[Number(key.slice(8))]
  return cell.index
}

export function sortCells(cells, key, descending) {
  const sign = descending ? -1 : 1
  const entries = cells.map(cell => ({ cell, value: getSortValue(cell, key) }))
  const isMissing = value => value === null || value === undefined || Number.isNaN(value)
  entries.sort((a, b) => {
    if (isMissing(a.value) || isMissing(b.value)) return isMissing(a.value) - isMissing(b.value) || a.cell.index - b.cell.index
    return sign * (a.value - b.value) || a.cell.index - b.cell.index
  })
  return entries.map(({ cell }) => cell)
}

// Groups cells by type, in the order of the types; types without cells have a group too, so that cells can be dropped there.
export function groupByType(cells, types) {
  const groups = types.map((type, i) => ({ type: i, title: type.title, cells: [] }))
  const untyped = { type: -1, title: NO_TYPE, cells: [] }
  for (const cell of cells) (groups[cell.type] ?? untyped).cells.push(cell)
  return untyped.cells.length ? [untyped, ...groups] : groups
}

// Returns the keys between two cells of a list, both included.
export function selectRange(ordered, fromKey, toKey) {
  const from = ordered.findIndex(cell => cell.key === fromKey), to = ordered.findIndex(cell => cell.key === toKey)
  if (from < 0 || to < 0) return to < 0 ? [] : [toKey]
  return ordered.slice(Math.min(from, to), Math.max(from, to) + 1).map(cell => cell.key)
}

// Returns the quantiles of a measurement among the cells of a type: {low, q1, median, q3, high, count}, null below five cells.
export function summarise(cells, type, feature) {
  const values = cells.filter(cell => cell.type === type).map(cell => cell.values[feature]).filter(value => value !== null).sort((a, b) => a - b)
  if (values.length < 5) return null
  const at = fraction => {
    const position = fraction * (values.length - 1), lower = Math.floor(position), rest = position - lower
    return values[lower] + (rest ? rest * (values[lower + 1] - values[lower]) : 0)
  }
  return { low: at(0.025), q1: at(0.25), median: at(0.5), q3: at(0.75), high: at(0.975), count: values.length }
}

// Returns the side of the square that fills a tile, so that all cells are at one scale: few are larger and are cut.
export function getCommonSquare(cells) {
  const squares = cells.map(cell => cell.square).sort((a, b) => a - b)
  return squares.length ? squares[Math.min(squares.length - 1, Math.floor(0.98 * squares.length))] : 1
}

export function describeCell(cell, { types, statuses }) {
  const type = types[cell.type]?.title ?? NO_TYPE, confidence = getConfidence(cell)
  const parts = [`${cell.imageName}${cell.number ? `, cell ${cell.number}` : ""}`]
  const likeliest = isUnsure(cell) ? types[getLikeliest(cell)]?.title : null
  const told = confidence === null ? type : `${likeliest ? `${type}, perhaps ${likeliest}` : type} ${Math.round(100 * confidence)} %`
  parts.push(cell.isAssigned ? `${type}, filed by a person` : told)
  if (statuses[cell.status]) parts.push(statuses[cell.status].label)
  return parts.join(": ")
}
