// The address of something on the server. That of Streamlit's own script tells where the server is, also behind a proxy
// that changes paths.
export function getAddress(path) {
  const script = document.querySelector('script[type="module"][src*="/static/js/"]')
  return new URL(`../../${path}`, script.src).href
}

const RETRY_DELAYS = [300, 1000, 2000, 4000, 8000, 15000, 30000]

// Fetches bytes, and tries again where the connection fails. Null where the server does not have them any more.
export async function fetchBytes(path) {
  for (const delay of RETRY_DELAYS) {
    try {
      const response = await fetch(getAddress(path))
      if (response.ok) return new Uint8Array(await response.arrayBuffer())
      if (response.status < 500) return null
    } catch {
      // The connection failed.
    }
    await new Promise(resolve => setTimeout(resolve, delay))
  }
  return null
}
