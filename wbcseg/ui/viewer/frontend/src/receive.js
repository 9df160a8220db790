import { fetchPayload, storePayload } from "./image_store.js"

// The component that receives an image, or where to fetch it. It shows nothing; the viewer reads the store.
export default function ({ data }) {
  if (data instanceof Uint8Array) storePayload(data)
  else if (data) fetchPayload(...data)
}
