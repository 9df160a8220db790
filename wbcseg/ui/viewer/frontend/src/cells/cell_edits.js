// The corrections of one model's cells in one image, with undo and redo. The browser owns the list; Python computes the
// cells from the whole list. Until its result arrives, the cells are shown as they are expected to become.

export const MAX_RESULTS = 40

export class CellEdits {
  constructor() {
    this.list = []
    this.redoStack = []
    this.sent = []
    this.confirmed = "[]"
    // The cells by the list that they were computed from, so that undo and redo show at once.
    this.results = new Map()
  }

  get canUndo() {
    return this.list.length > 0
  }

  get canRedo() {
    return this.redoStack.length > 0
  }

  // Whether Python's result for the list is still to come.
  get isPending() {
    return this.sent.length > 0
  }

  add(edit) {
    this.redoStack = []
    this.change([...this.list, edit])
  }

  // Takes the last edit back. Returns it, or null where there is none.
  undo() {
    if (!this.canUndo) return null
    const edit = this.list[this.list.length - 1]
    this.redoStack.push(edit)
    this.change(this.list.slice(0, -1))
    return edit
  }

  redo() {
    const edit = this.redoStack.pop()
    if (!edit) return null
    this.change([...this.list, edit])
    return edit
  }

  change(list) {
    this.list = list
    this.sent.push(JSON.stringify(list))
  }

  // Takes Python's cells for a list of edits. Returns "settled" if they are the result for the browser's list, "waiting"
  // if that is still to come, and "rejected" if Python took over less than the browser sent.
  receive(list, cells, problem) {
    const key = JSON.stringify(list.map(normaliseEdit))
    this.keepResult(key, cells)
    const before = this.confirmed
    this.confirmed = key
    const index = this.sent.lastIndexOf(key)
    if (index >= 0) this.sent.splice(0, index + 1)
    // A run that had begun earlier may still report the list from before; a problem is an answer to what was sent.
    else if (this.sent.length && key === before && !problem) return "waiting"
    else return this.adopt(list)
    return this.sent.length ? "waiting" : "settled"
  }

  // Takes over Python's list as it is.
  adopt(list) {
    const hadSent = this.sent.length > 0
    this.sent = []
    if (JSON.stringify(this.list) !== this.confirmed) this.redoStack = []
    this.list = list.map(normaliseEdit)
    return hadSent ? "rejected" : "settled"
  }

  keepResult(key, cells) {
    this.results.delete(key)
    this.results.set(key, cells)
    if (this.results.size > MAX_RESULTS) this.results.delete(this.results.keys().next().value)
  }

  // Returns the cells to show, the edits whose result is still to come, and whether the cells are those that Python sent last.
  getShown() {
    const isSettled = JSON.stringify(this.list) === this.confirmed
    for (let count = this.list.length; count >= 0; count--) {
      const cells = this.results.get(JSON.stringify(this.list.slice(0, count)))
      if (cells) return { cells: predictCells(cells, this.list.slice(count)), pending: this.list.slice(count), isSettled }
    }
    return { cells: this.results.get(this.confirmed) ?? [], pending: [], isSettled }
  }
}

// Returns the cells as they are expected after edits: without those deleted, and with those being changed marked.
export function predictCells(cells, edits) {
  let expected = cells
  for (const { kind, ids } of edits) {
    if (kind === "delete") expected = renumber(expected.filter(cell => !ids.includes(cell.id)))
    if (kind === "split" || kind === "merge") {
      expected = expected.map(cell => (ids.includes(cell.id) ? { ...cell, isPending: true } : cell))
    }
  }
  return expected
}

// Numbers have no gaps: those after a deleted cell move up.
function renumber(cells) {
  return cells.map((cell, i) => (cell.number === i + 1 ? cell : { ...cell, number: i + 1 }))
}

// Writes an edit with all its keys in one order, so that equal edits have equal texts. Coordinates have one decimal.
export function normaliseEdit({ kind, ids = [], points = [], box = null, type = "", mask = "" }) {
  const round = n => Math.round(10 * n) / 10
  const edit = { kind, ids: [...ids], points: points.map(point => point.map(round)), box: box && box.map(round) }
  return { ...edit, ...(type && { type }), ...(mask && { mask }) }
}

// Says what an edit does: while it is under way, and when it is done.
export function describeEdit({ kind, ids, type }, numbers) {
  const names = ids.map(id => numbers.get(id) ?? id), cells = names.length === 1 ? `Cell ${names[0]}` : `Cells ${names.join(", ")}`
  if (kind === "delete") return { doing: `${cells} deleted`, done: `${cells} deleted` }
  if (kind === "split") return { doing: `${ids.length ? cells : "Cell"}: splitting…`, done: `${ids.length ? cells : "Cell"} split` }
  if (kind === "merge") return { doing: `${cells}: merging…`, done: `${cells} merged` }
  if (kind === "set_type") return { doing: `${cells}: ${type}`, done: `${cells}: ${type}` }
  return { doing: "Segmenting the cell…", done: "Cell added" }
}
