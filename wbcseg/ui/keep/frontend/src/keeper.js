// Decides when this tab keeps, restores and clears. The component shows what it says; see keep.js.

const MAX_BYTES = 256 * 2 ** 20
const TRAINING_SET = "training set"
const NEWS_MS = 30000

export class Keeper {
  // store: a KeptStore; remote: {fetch(key), send(key, blob)}; tabId: the tab's, the same after a reload;
  // onRestored(message) tells Python; show(status) shows it.
  constructor({ store, remote, tabId, isOn, onRestored, show, now = Date.now }) {
    Object.assign(this, { store, remote, tabId, isOn, onRestored, show, now })
    this.token = null
    this.phase = "fresh"
    this.props = null
    this.queue = Promise.resolve()
    this.notKept = []
  }

  // Takes what Python has after a run of the page. Work is done one after the other.
  update(props) {
    const isNewVisit = this.token !== null && this.token !== props.token, hadFiles = this.props ? countUploads(this.props.files) : 0
    if (this.token !== props.token) this.phase = "fresh"
    this.token = props.token
    this.props = props
    if (isNewVisit && hadFiles && !this.isOn) this.lostCount = hadFiles
    if (props.files.length) this.lostCount = 0
    this.schedule()
    return this.queue
  }

  schedule() {
    this.queue = this.queue.then(() => this.work()).catch(error => this.fail(error))
  }

  async work() {
    const { props } = this
    if (!this.isOn) return this.show({ kind: "off", lostCount: this.lostCount ?? 0 })
    if (this.phase === "fresh") {
      const record = await this.getRecord()
      if (hasContent(record) && !hasContent(props)) return this.restore(record)
      this.phase = "synced"
    }
    if (this.phase === "restoring") {
      if (props.restored?.id !== this.restoreId) return
      Object.assign(this, { restored: props.restored, restoredAt: this.now() })
      this.phase = "synced"
    }
    if (this.phase === "synced") await this.keep(props)
  }

  async getRecord() {
    return (await this.store.listRecords()).find(({ id }) => id === this.tabId)
  }

  // Sends the files of a record to the server's memory, and then tells Python. The record stays as it is meanwhile.
  async restore(record) {
    this.phase = "failed"
    const files = []
    for (const [i, file] of record.files.entries()) {
      this.show({ kind: "restoring", count: record.files.length, done: i })
      const blob = await this.store.getFile(file.key)
      if (blob && (await this.remote.send(file.key, blob))) files.push(file)
    }
    this.missing = record.files.filter(file => !files.includes(file)).map(({ name }) => name)
    this.restoreId = `${this.now()}`
    this.phase = "restoring"
    this.onRestored({ id: this.restoreId, files, state: record.state })
  }

  // Keeps what Python has: fetches new files, then writes the record.
  async keep(props) {
    const present = await this.store.listFileKeys(), files = [], counted = new Set()
    this.notKept = []
    let bytes = 0
    for (const { key, name, page, size } of props.files) {
      // The image that the page Segment shows may be one of Batch, too: it is kept once.
      const added = counted.has(key) ? 0 : size
      const isKept = bytes + added <= MAX_BYTES && (present.has(key) || (await this.keepFile(key)))
      if (isKept) {
        bytes += added
        counted.add(key)
        present.add(key)
        files.push({ key, name, page, size })
      } else this.notKept.push(name)
    }
    const isCurrent = this.props === props
    if (!isCurrent) return
    await this.store.putRecord({ id: this.tabId, time: this.now(), files, state: props.state })
    const others = (await this.store.listRecords()).filter(record => record.id !== this.tabId && hasContent(record))
    this.show({
      kind: "kept", count: countUploads(files), bytes, corrections: countCorrections(props.state), notKept: this.notKept,
      masks: props.state.masks?.length ?? 0,
      missing: this.missing ?? [], restored: this.now() - this.restoredAt < NEWS_MS ? this.restored : null, other: files.length ? null : others[0],
    })
  }

  // Returns whether a file is kept now; false where there is no room or it cannot be fetched.
  async keepFile(key) {
    const blob = await this.remote.fetch(key)
    if (!blob) return false
    try {
      await this.store.putFile(key, blob)
      return true
    } catch (error) {
      if (error?.name === "QuotaExceededError") return false
      throw error
    }
  }

  // Restores what another tab, closed by now, has kept.
  adopt(record) {
    this.queue = this.queue.then(() => this.restore(record)).catch(error => this.fail(error))
    return this.queue
  }

  switch(isOn) {
    this.isOn = isOn
    this.phase = "synced"
    this.schedule()
    return this.queue
  }

  clear() {
    this.isOn = false
    this.queue = this.queue.then(() => this.store.clear()).then(() => this.show({ kind: "cleared" })).catch(error => this.fail(error))
    return this.queue
  }

  // Nothing that was kept is lost by a failure: it is tried again at the next run or when asked for.
  fail(error) {
    if (this.phase === "failed") this.phase = "fresh"
    this.show({ kind: "failed", message: error?.message ?? "" })
  }
}

// An image may be on two pages; the files of edited masks are no uploads.
export function countUploads(files) {
  return new Set(files.filter(({ page }) => page !== TRAINING_SET).map(({ key }) => key)).size
}

// A drawn mask is counted as an edited mask, not as a corrected result again.
export function countCorrections({ corrections }) {
  const isDrawnOnly = ({ edits = [], region }) => edits.length > 0 && !region && edits.every(({ kind }) => kind === "paint")
  return corrections.filter(([, fields]) => !isDrawnOnly(fields)).length
}

// Of a record, or of what Python has.
export function hasContent(record) {
  return Boolean(record && (record.files.length || record.state.corrections.length))
}
