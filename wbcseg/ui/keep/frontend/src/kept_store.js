// What this browser keeps, in IndexedDB: files by their SHA-256, and for each tab a record of its files and state. Files that
// no record names are deleted. Another tab's record is never changed.

const DATABASE = "wbcseg", VERSION = 1

export const MAX_RECORDS = 5

const wrap = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error)
})

export class KeptStore {
  // Opens the database; rejects where the browser does not allow it, as in some private windows.
  async open() {
    if (!globalThis.indexedDB) throw new Error("no IndexedDB")
    const request = indexedDB.open(DATABASE, VERSION)
    request.onupgradeneeded = () => {
      request.result.createObjectStore("files")
      request.result.createObjectStore("records", { keyPath: "id" })
    }
    this.database = await wrap(request)
    // Another tab may delete everything.
    this.database.onversionchange = () => this.database.close()
    return this
  }

  async listRecords() {
    const records = await wrap(this.database.transaction("records").objectStore("records").getAll())
    return records.sort((a, b) => b.time - a.time)
  }

  async listFileKeys() {
    return new Set(await wrap(this.database.transaction("files").objectStore("files").getAllKeys()))
  }

  getFile(key) {
    return wrap(this.database.transaction("files").objectStore("files").get(key))
  }

  // Rejects with a QuotaExceededError where there is no room.
  putFile(key, blob) {
    return this.change(["files"], files => files.put(blob, key))
  }

  // Saves a tab's record, and deletes the oldest records of closed tabs and the files that none names any more.
  async putRecord(record) {
    await this.change(["records"], records => records.put(record))
    const records = await this.listRecords()
    const dropped = records.filter(({ id }) => id !== record.id).slice(MAX_RECORDS - 1)
    const unused = findUnusedFiles(await this.listFileKeys(), records.filter(each => !dropped.includes(each)))
    if (!dropped.length && !unused.length) return
    await this.change(["records", "files"], (stored, files) => {
      for (const { id } of dropped) stored.delete(id)
      for (const key of unused) files.delete(key)
    })
  }

  clear() {
    return this.change(["records", "files"], (records, files) => (records.clear(), files.clear()))
  }

  // Makes changes, all or none.
  change(names, make) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(names, "readwrite")
      transaction.oncomplete = () => resolve()
      transaction.onabort = transaction.onerror = () => reject(transaction.error)
      make(...names.map(name => transaction.objectStore(name)))
    })
  }
}

export function findUnusedFiles(keys, records) {
  const used = new Set(records.flatMap(({ files }) => files.map(({ key }) => key)))
  return [...keys].filter(key => !used.has(key))
}
