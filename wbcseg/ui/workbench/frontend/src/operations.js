// What the user did and Python has not confirmed yet. Streamlit keeps only the last value of several sent at once, so the
// whole list is sent each time; Python skips what it has done already.

export const MAX_REMEMBERED = 200

export class Operations {
  constructor(client = Math.random().toString(36).slice(2, 12)) {
    this.client = client
    this.count = 0
    this.pending = []
    this.undoDepth = 0
    this.redoDepth = 0
    // What was filed on this page, to show what undo and redo lead to before Python has answered.
    this.done = []
    this.undone = []
  }

  // Files cells under a type; `before` has the type and whether a person gave it, by the key of the cell.
  file(keys, type, before) {
    const step = { keys, type, before }
    this.done.push(step)
    if (this.done.length > MAX_REMEMBERED) this.done.shift()
    this.undone = []
    this.add({ kind: "set_type", keys, type }, step, 1)
    this.redoDepth = 0
  }

  undo() {
    const step = this.done.pop()
    if (step) this.undone.push(step)
    this.add({ kind: "undo" }, step, -1)
    this.redoDepth += 1
  }

  redo() {
    const step = this.undone.pop()
    if (step) this.done.push(step)
    this.add({ kind: "redo" }, step, 1)
    this.redoDepth -= 1
  }

  add(operation, step, depth) {
    this.count += 1
    this.pending.push({ operation: { n: this.count, ...operation }, step })
    this.undoDepth += depth
  }

  get message() {
    return { client: this.client, list: this.pending.map(({ operation }) => operation) }
  }

  // Takes over what Python has done: its number of the last operation of this client, and how many can be undone and redone.
  receive({ client, done, undo, redo }) {
    if (client === this.client) this.pending = this.pending.filter(({ operation }) => operation.n > done)
    if (this.pending.length) return
    this.undoDepth = undo
    this.redoDepth = redo
  }

  // Returns what cells are expected to be filed under, by key: {type, isAssigned}.
  get expected() {
    const expected = new Map()
    for (const { operation, step } of this.pending) {
      for (const key of step?.keys ?? []) {
        expected.set(key, operation.kind === "undo" ? step.before.get(key) : { type: step.type, isAssigned: true })
      }
    }
    return expected
  }
}
