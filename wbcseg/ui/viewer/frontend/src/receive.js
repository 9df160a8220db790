import { keepPack } from "./image_store.js"

// The component that brings one picture. It shows nothing: the viewer looks into the store.
export default function ({ data }) {
  if (data) keepPack(data)
}
