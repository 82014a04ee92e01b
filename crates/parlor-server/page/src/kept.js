// What the browser keeps: the theme, drafts, the last model; the key for this tab alone. A browser
// that keeps nothing for us is one without these comforts.

function read(store, name) {
  try {
    return globalThis[store].getItem(`parlor.${name}`) ?? '';
  } catch {
    return '';
  }
}

function write(store, name, value) {
  try {
    if (value) globalThis[store].setItem(`parlor.${name}`, value);
    else globalThis[store].removeItem(`parlor.${name}`);
  } catch {
    // It is full, or forbidden.
  }
}

export const chosenTheme = () => read('localStorage', 'theme');
export const keepTheme = (theme) => write('localStorage', 'theme', theme);

// A theme on the page; without one it is the system's.
export function wear(theme) {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

export const keptKey = () => read('sessionStorage', 'key');
export const keepKey = (key) => write('sessionStorage', 'key', key);

export const keptModel = () => read('localStorage', 'model');
export const keepModel = (id) => write('localStorage', 'model', id);

export const keptDraft = (conversation) => read('localStorage', `draft.${conversation || 'new'}`);
export const keepDraft = (conversation, text) =>
  write('localStorage', `draft.${conversation || 'new'}`, text);
