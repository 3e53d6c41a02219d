// The kernel's logo: a tuning fork whose tone is a falling curve. Text here, because the build copies no other files.
export const LOGO_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">
<rect width="64" height="64" rx="12" fill="#3178c6"/>
<path d="M23 9v17a9 9 0 0 0 18 0V9M32 35v20" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"/>
<path d="M8 30c5 13 9 17 15 19M41 50c6 1 10 1 15 1" fill="none" stroke="#f0b323" stroke-width="4" stroke-linecap="round"/>
</svg>
`
