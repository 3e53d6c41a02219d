// The library's front door: what `import { … } from 'afinar'` offers. Rooms are composed here, nothing is computed.
export {}
