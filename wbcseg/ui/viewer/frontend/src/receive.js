import { storePayload } from "./image_store.js"

// The component that receives an image. It shows nothing; the viewer reads the store.
export default function ({ data }) {
  if (data) storePayload(data)
}
