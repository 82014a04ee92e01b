// What is shown to the model besides the question: pictures, PDF, sounds, films, texts.

import { call } from './api.js';
import { attached, edit, editing, fail } from './chat.js';
import { fileName, fileText, isFile } from './turn.js';

export const accept = 'image/*,audio/*,video/*,application/pdf,text/*,.md,.json,.csv,.toml,.yaml,.yml,.rs,.py,.js,.ts,.go,.java,.c,.h,.cpp,.sh,.sql,.log,.xml,.html,.css';

// What all attachments of a turn may come to: the service takes 32 MiB, and base64 is a third more.
const MOST = 23 * 1024 * 1024;
const MOST_FILES = 64;

const NEEDS = [
  [/^image\//, 'image_input', 'pictures'],
  [/^application\/pdf$/, 'document_input', 'PDF'],
  [/^audio\//, 'audio_input', 'sounds'],
  [/^video\//, 'video_input', 'films'],
];

// Why a model may refuse an attachment, if it may.
export function refused({ mediaType }, { id, name, features }) {
  const need = NEEDS.find(([kind]) => kind.test(mediaType));
  return need && !features.includes(need[1]) ? `${name ?? id} isn’t known to take ${need[2]}. Another model may.` : '';
}

function size(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

const read = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
  reader.onerror = () => failed(reader.error);
  reader.readAsDataURL(file);
});

let count = 0;

export async function attach(files) {
  // A list of files that is emptied while they are read is a list no more.
  for (const file of [...files]) {
    const total = attached.value.reduce((sum, it) => sum + it.bytes, file.size);
    if (attached.value.length >= MOST_FILES || total > MOST) {
      fail({ message: `${file.name} is too much`, help: `A turn takes ${MOST_FILES} files and ${size(MOST)} in all.` });
      return;
    }
    try {
      const mediaType = /^(?:image|audio|video)\/|^application\/pdf$/.test(file.type) ? file.type : undefined;
      const text = mediaType ? null : await file.text();
      const isText = text !== null && !/[\0\ufffd]/.test(text);
      const content = isText ? { text } : { data: await read(file) };
      count += 1;
      const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : '';
      const it = { id: count, name: file.name || 'pasted', bytes: file.size, size: size(file.size), mediaType, content, preview };
      attached.value = [...attached.value, it];
    } catch {
      fail({ message: `${file.name} can’t be read`, help: 'Is it a file, and may you read it?' });
    }
  }
}

// Edits the question of a turn, with what was shown in it.
export async function editWhole(turn) {
  edit(turn);
  try {
    const files = [];
    for (const part of turn.question) {
      const address = part.source?.url;
      if (part.type === 'text' && isFile(part.text)) files.push(new File([fileText(part.text)], fileName(part.text)));
      else if (address?.startsWith('/api/')) {
        const bytes = await (await call('GET', address.slice('/api/'.length))).blob();
        files.push(new File([bytes], part.name ?? part.kind, { type: part.media_type ?? bytes.type }));
      }
    }
    if (editing.value === turn) await attach(files);
  } catch (error) {
    fail(error, () => editWhole(turn));
  }
}
