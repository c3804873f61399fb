/**
 * The text of one member of a JSON object, exactly as it stands in the source, or null when the top level has no such
 * member. The source must have been parsed before: this finds a place, it judges no syntax. The first of two members of
 * one name is taken; JSON.parse would take the last, and a signature over the wrong one fails.
 */
export function memberText (json: string, name: string): string | null {
  let depth = 0
  let start = -1
  let key: string | null = null
  for (let i = 0; i < json.length; i++) {
    const char = json[i]
    if (char === '"') {
      const end = endOfString(json, i)
      if (depth === 1 && key == null) {
        key = json.slice(i + 1, end)
      }
      i = end
    } else if (char === '{' || char === '[') {
      depth++
    } else if (char === '}' || char === ']') {
      depth--
      if (depth === 0) {
        return start < 0 ? null : json.slice(start, i).trim()
      }
    } else if (depth === 1 && char === ':' && key === name) {
      start = i + 1
    } else if (depth === 1 && char === ',') {
      if (start >= 0) {
        return json.slice(start, i).trim()
      }
      key = null
    }
  }
  return null
}

/** The place of the quotation mark that ends the string which begins at `from`. */
function endOfString (json: string, from: number): number {
  let i = from + 1
  while (i < json.length && json[i] !== '"') {
    i += json[i] === '\\' ? 2 : 1
  }
  return i
}
