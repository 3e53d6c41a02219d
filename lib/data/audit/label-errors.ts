// Confident learning (Northcutt, Jiang, Chuang 2021): how many rows of each class carry another's label, and which ones they probably are.

export interface LabelIssue { row: number; given: number; suggested: number; /** p(given) − p(suggested); the lower, the more suspicious. */ quality: number }

/**
 * Rows that are probably labelled wrongly, worst first. `probabilities` `[rows, classes]`, made without seeing the row.
 * A row counts for class j when its p(j) reaches what is usual for rows labelled j; the counts, scaled up to all rows,
 * say how many of class i belong to j, and that many with the largest p(j) − p(i) are taken (the paper's prune by noise rate).
 */
export function findLabelIssues(probabilities: Float32Array, labels: Int32Array, classes: number): LabelIssue[] {
  const rows = labels.length, p = (row: number, c: number) => probabilities[row * classes + c]!
  const sum = new Float64Array(classes), count = new Float64Array(classes)
  for (let row = 0; row < rows; row++) {
    sum[labels[row]!]! += p(row, labels[row]!)
    count[labels[row]!]!++
  }
  const usual = sum.map((total, c) => count[c]! > 0 ? total / count[c]! : Infinity)
  const joint = new Float64Array(classes * classes)
  for (let row = 0; row < rows; row++) {
    let confident = -1
    for (let c = 0; c < classes; c++) if (p(row, c) >= usual[c]! && (confident < 0 || p(row, c) > p(row, confident))) confident = c
    if (confident >= 0) joint[labels[row]! * classes + confident]!++
  }
  const issues = new Map<number, LabelIssue>()
  for (let given = 0; given < classes; given++) {
    const total = joint.subarray(given * classes, (given + 1) * classes).reduce((a, b) => a + b, 0)
    const members = Array.from(labels.keys()).filter((row) => labels[row] === given)
    for (let other = 0; other < classes; other++) {
      const expected = other === given || total === 0 ? 0 : Math.round((joint[given * classes + other]! / total) * count[given]!)
      const suspects = members.map((row) => ({ row, given, suggested: other, quality: p(row, given) - p(row, other) })).filter(({ quality }) => quality < 0)
      for (const issue of suspects.sort((a, b) => a.quality - b.quality).slice(0, expected)) {
        const known = issues.get(issue.row)
        if (!known || issue.quality < known.quality) issues.set(issue.row, issue)
      }
    }
  }
  return [...issues.values()].sort((a, b) => a.quality - b.quality)
}
