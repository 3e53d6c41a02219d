// How an exported page looks.
export const PAGE_STYLE = `
:root { color-scheme: light; --ink: #1f2328; --soft: #59636e; --line: #d8dee4; --code: #f6f8fa }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif }
main { max-width: 960px; margin: 0 auto; padding: 32px 56px 96px }
h1, h2, h3 { line-height: 1.25; margin: 1.4em 0 .5em } h1 { font-size: 2em; margin-top: 0 }
a { color: #0a58ca } img, svg { max-width: 100% }
pre, code { font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
.text code { background: var(--code); border-radius: 4px; padding: .1em .35em } .text pre code { padding: 0 }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.text pre, .input pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px }
.code { margin: 18px 0 } .input { position: relative }
.count { position: absolute; right: 100%; margin-right: 10px; top: 10px; color: var(--soft); font: 12px ui-monospace, monospace }
.output { margin: 10px 0 0; overflow-x: auto } .stderr { background: #fff4e5 } .error { background: #fff0f0; border-left: 3px solid #d33c3c }
.stdout, .stderr, .error { padding: 8px 14px; border-radius: 4px }
table { border-collapse: collapse; font-size: 14px; margin: 8px 0 } th, td { border: 1px solid var(--line); padding: 4px 10px; text-align: left } th { background: var(--code) }
blockquote { margin: 1em 0; padding: 0 1em; border-left: 4px solid var(--line); color: var(--soft) }
@media (max-width: 640px) { main { padding: 16px } .count { display: none } }
@media print { .input pre { white-space: pre-wrap } section { break-inside: avoid } }
`
