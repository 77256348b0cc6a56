import { hydrateRoot } from 'react-dom/client'
import { Hydrated } from './hydrated.js'

hydrateRoot(document.querySelector('#root') as HTMLElement, <Hydrated />)
