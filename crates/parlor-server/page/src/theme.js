// Before anything is painted: the theme that was chosen, if one was.
import { chosenTheme, wear } from './kept.js';

wear(chosenTheme());
