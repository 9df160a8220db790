// Points, lines and polygons in pixels of the image. A point is [x, y]; a polygon is a list of corners, not closed.

export function computeBounds(points) {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }
  for (const [x, y] of points) {
    bounds.left = Math.min(bounds.left, x)
    bounds.top = Math.min(bounds.top, y)
    bounds.right = Math.max(bounds.right, x)
    bounds.bottom = Math.max(bounds.bottom, y)
  }
  return bounds
}

// Whether a polygon contains a point (even-odd rule).
export function containsPoint(polygon, x, y) {
  let isInside = false
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i], [bx, by] = polygon[j]
    if (ay > y !== by > y && x < ax + ((y - ay) * (bx - ax)) / (by - ay)) isInside = !isInside
  }
  return isInside
}

export function computeDistanceToSegment(x, y, [ax, ay], [bx, by]) {
  const dx = bx - ax, dy = by - ay, squaredLength = dx * dx + dy * dy
  const t = squaredLength ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / squaredLength)) : 0
  return Math.hypot(x - ax - t * dx, y - ay - t * dy)
}

// Returns the distance of a point from the edge of a polygon.
export function computeDistanceToEdge(polygon, x, y) {
  let distance = Infinity
  polygon.forEach((corner, i) => {
    distance = Math.min(distance, computeDistanceToSegment(x, y, corner, polygon[(i + 1) % polygon.length]))
  })
  return distance
}

// Returns how much of a line lies inside a polygon, in pixels; checked every half a pixel, at 400 points at most.
export function measureInside(line, polygon) {
  let length = 0
  for (let i = 1; i < line.length; i++) {
    const [ax, ay] = line[i - 1], [bx, by] = line[i], total = Math.hypot(bx - ax, by - ay)
    const steps = Math.min(400, Math.max(1, Math.ceil(2 * total)))
    for (let k = 0; k < steps; k++) {
      const t = (k + 0.5) / steps
      if (containsPoint(polygon, ax + t * (bx - ax), ay + t * (by - ay))) length += total / steps
    }
  }
  return length
}

// Removes points that are nearer than the tolerance to the line without them (Ramer, Douglas and Peucker).
export function simplifyLine(points, tolerance) {
  if (points.length < 3) return points
  const first = points[0], last = points[points.length - 1]
  let farthest = 0, distance = tolerance
  for (let i = 1; i < points.length - 1; i++) {
    const current = computeDistanceToSegment(...points[i], first, last)
    if (current > distance) [farthest, distance] = [i, current]
  }
  if (!farthest) return [first, last]
  return [...simplifyLine(points.slice(0, farthest + 1), tolerance).slice(0, -1), ...simplifyLine(points.slice(farthest), tolerance)]
}

// The same for a polygon. What would become less than a triangle stays as it is.
export function simplifyPolygon(polygon, tolerance) {
  const half = polygon.length >> 1
  const simple = [...simplifyLine(polygon.slice(0, half + 1), tolerance), ...simplifyLine([...polygon.slice(half), polygon[0]], tolerance).slice(1, -1)]
  return simple.length > 2 ? simple : polygon
}

// Returns the square around a box [x, y, width, height], with a margin: its left, top and side.
export function computeSquare([x, y, width, height], margin = 0.15) {
  const side = Math.max(width, height) * (1 + 2 * margin)
  return [x + (width - side) / 2, y + (height - side) / 2, side]
}

// Whether "#rrggbb" is so dark that it needs a light halo, or light text on it.
export function isDark(colour) {
  const [red, green, blue] = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16))
  return 0.3 * red + 0.59 * green + 0.11 * blue < 110
}
