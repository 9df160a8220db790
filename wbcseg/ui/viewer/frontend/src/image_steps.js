import { findPayload } from "./image_store.js"

// Going from image to image. An image that the browser has is shown at once, before Python answers. While an answer is
// awaited, the user may go on: the next request names the image that was reached by then, and steps beyond the strip are
// made when the answer has the next strip. So no step is lost, however fast a key repeats.

const MAX_WAIT = 5000
const MAX_TRIES = 3

export class ImageSteps {
  constructor(viewer) {
    Object.assign(this, { viewer, targetId: null, sentId: null, extraSteps: 0, tries: 0 })
  }

  // The image that the user has reached.
  get currentId() {
    return this.targetId ?? this.viewer.props.image_id
  }

  // Digest of the payload to show: of the image reached, if it is there already.
  get digest() {
    const { props, field } = this.viewer
    // The cells of a field of view come with the answer.
    const isAhead = this.targetId && this.targetId !== props.image_id && !field.isShown
    return (isAhead && findPayload(this.targetId)?.digest) || props.digest
  }

  step(direction) {
    if (this.extraSteps || !this.stepInStrip(direction)) {
      if (this.sentId) this.extraSteps += direction
    }
  }

  stepInStrip(direction) {
    const ids = this.viewer.props.strip.map(item => item.id), id = ids[ids.indexOf(this.currentId) + direction]
    if (id) this.goTo(id)
    return Boolean(id)
  }

  goTo(id) {
    if (!id || id === this.currentId) return
    this.targetId = id
    this.viewer.onStep()
    this.send()
  }

  // Asks Python for the image reached, one request at a time: a request ends the run that answers the one before.
  send() {
    if (this.sentId || !this.targetId) return
    this.sentId = this.targetId
    this.viewer.requestImage(this.sentId)
    this.timer = setTimeout(() => this.giveUp(), MAX_WAIT)
  }

  // Asks again after a while; in the end the image that Python shows counts.
  giveUp() {
    this.sentId = null
    if (++this.tries < MAX_TRIES) return this.send()
    Object.assign(this, { targetId: null, extraSteps: 0, tries: 0 })
    this.viewer.onStep()
  }

  // Takes the image that Python shows now.
  receive(imageId) {
    if (imageId !== this.sentId) return
    clearTimeout(this.timer)
    this.tries = 0
    if (this.targetId === imageId) this.targetId = null
    // What the user did meanwhile, before the next request.
    for (const direction = Math.sign(this.extraSteps); this.extraSteps; this.extraSteps -= direction) {
      if (!this.stepInStrip(direction)) break
    }
    this.sentId = null
    if (!this.targetId) this.extraSteps = 0
    this.send()
  }

  destroy() {
    clearTimeout(this.timer)
  }
}
