// The user's choices. They outlive the mount; the URL repeats those of the view.
export function createState() {
  return {
    view: { scale: 1, x: 0, y: 0, isMoved: false },
    panels: null,
    // By default, fill in a crop and outline in a field of view.
    style: null,
    opacity: 0.4,
    classes: [false, true, true],
    palette: "thesis",
    customColours: ["#d55e00", "#f0e442", "#0072b2"],
    hatching: false,
    numbers: true,
    classOutlines: false,
    threshold: 0,
    swipe: null,
    // The selected cell of a field of view: its id, and the key of the panel.
    cell: null,
    edits: new Map(),
    corrections: new Map(),
    counting: new Map(),
    isUrlRead: false,
  }
}
