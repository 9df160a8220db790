// Notices when the connection to the server is lost and when it is back. Streamlit connects again by itself, but it runs
// the page only with the next click: until then, a page of a server that was restarted looks as if nothing had happened.

export const CHECK_MS = 1000

export class Connection {
  // isDown(): whether Streamlit says that it is connecting; isKnown(): asks the server whether it still has the visit;
  // onLost(), onBack(isKnown): what to do. A connection that is back at the second check was not lost.
  constructor({ isDown, isKnown, onLost, onBack }) {
    Object.assign(this, { isDown, isKnown, onLost, onBack })
    this.downCount = 0
  }

  async check() {
    if (this.isDown()) {
      this.downCount += 1
      if (this.downCount === 2) this.onLost()
      return
    }
    if (!this.downCount || this.isAsking) return
    this.isAsking = true
    try {
      const isKnown = await this.isKnown(), wasLost = this.downCount > 1
      this.downCount = 0
      if (wasLost || !isKnown) this.onBack(isKnown)
    } catch {
      // No answer: it is asked again.
    } finally {
      this.isAsking = false
    }
  }
}

// A line at the lower edge of the window, whatever the page shows.
export class Notice {
  constructor() {
    this.node = document.createElement("div")
    this.node.setAttribute("role", "status")
    this.node.className = "st-key-connection_notice"
    Object.assign(this.node.style, {
      position: "fixed", inset: "auto 0 1rem", margin: "0 auto", width: "fit-content", maxWidth: "min(40rem, calc(100vw - 2rem))",
      boxSizing: "border-box", padding: "0.6rem 1rem", borderRadius: "0.5rem", zIndex: 1000001, font: "0.9375rem/1.45 sans-serif",
      background: "#2b2547", color: "#fff", boxShadow: "0 2px 12px rgb(0 0 0 / 35%)",
    })
    this.node.hidden = true
    this.node.style.display = "none"
    document.body.append(this.node)
  }

  show(text, milliseconds) {
    clearTimeout(this.timer)
    this.node.textContent = text
    this.node.hidden = !text
    this.node.style.display = text ? "block" : "none"
    if (milliseconds) this.timer = setTimeout(() => this.show(""), milliseconds)
  }
}
