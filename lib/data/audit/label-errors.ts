// Confident learning (Northcutt, Jiang, Chuang 2021): rows whose given label a cross-validated classifier contradicts with more confidence than is usual for that class.

export interface LabelIssue { row: number; given: number; suggested: number; /** Probability of the given label, adjusted for its class; low is suspicious. */ quality: number }

/** Rows that are probably labelled wrongly, worst first. `probabilities` `[rows, classes]`, made without seeing the row. */
export function findLabelIssues(probabilities: Float32Array, labels: Int32Array, classes: number): LabelIssue[] {
  const rows = labels.length
  const sum = new Float64Array(classes), count = new Float64Array(classes)
  for (let row = 0; row < rows; row++) {
    sum[labels[row]!]! += probabilities[row * classes + labels[row]!]!
    count[labels[row]!]!++
  }
  // a class's threshold is how sure the classifier is, on average, of rows that carry its label
  const threshold = sum.map((total, c) => count[c]! > 0 ? total / count[c]! : Infinity)
  const issues: LabelIssue[] = []
  for (let row = 0; row < rows; row++) {
    const given = labels[row]!, p = (c: number) => probabilities[row * classes + c]!
    let confident = -1
    for (let c = 0; c < classes; c++) if (p(c) >= threshold[c]! && (confident < 0 || p(c) > p(confident))) confident = c
    if (confident < 0 || confident === given || p(confident) <= p(given)) continue
    issues.push({ row, given, suggested: confident, quality: p(given) - p(confident) })
  }
  return issues.sort((a, b) => a.quality - b.quality)
}
