import { fetchBytes } from "../../../viewer/frontend/src/server.js"
import { store, storePayload } from "./cell_store.js"

const requests = new Map()

// The component that receives sheets of tiles, lists of cells and large tiles, or where to fetch them. It shows nothing; the
// workbench reads them.
export default function ({ data }) {
  if (data instanceof Uint8Array) storePayload(data)
  else if (data) fetchPayload(...data)
}

async function fetchPayload(digest, path) {
  if (store.payloads.has(digest) || requests.has(digest)) return
  requests.set(digest, path)
  const bytes = await fetchBytes(path)
  requests.delete(digest)
  if (bytes) storePayload(bytes)
}
