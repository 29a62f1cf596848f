// Where pictures come from: the webcam, a picture or a video file; one at a time.

const CAMERA = { video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false };
const SENT_SIDE_PX = 960;
const scratch = document.createElement("canvas");

let release = () => {};

export const source = { media: null, still: false };

export function stop() {
  release();
  release = () => {};
  source.media = null;
}

export async function useWebcam() {
  if (!navigator.mediaDevices) {
    throw new Error("The browser gives the camera to https pages and to localhost only.");
  }
  const stream = await navigator.mediaDevices.getUserMedia(CAMERA);
  stop();
  const video = document.createElement("video");
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  take(video, false, () => stream.getTracks().forEach((track) => track.stop()));
}

export async function useFile(file) {
  stop();
  const url = URL.createObjectURL(file);
  const free = () => URL.revokeObjectURL(url);
  try {
    if (file.type.startsWith("video/")) {
      const video = document.createElement("video");
      Object.assign(video, { src: url, muted: true, playsInline: true, loop: true });
      await video.play();
      take(video, false, () => { video.pause(); free(); });
    } else {
      const image = new Image();
      image.src = url;
      await image.decode();
      take(image, true, free);
    }
  } catch {
    free();
    throw new Error(`${file.name} is no picture or video that this browser can show.`);
  }
}

function take(media, still, freed) {
  source.media = media;
  source.still = still;
  release = freed;
}

export function sizeOf(media) {
  return [media.videoWidth || media.naturalWidth, media.videoHeight || media.naturalHeight];
}

export function frame(media) {
  const [width, height] = sizeOf(media);
  const scale = Math.min(1, SENT_SIDE_PX / Math.max(width, height));
  scratch.width = Math.max(1, Math.round(width * scale));
  scratch.height = Math.max(1, Math.round(height * scale));
  scratch.getContext("2d").drawImage(media, 0, 0, scratch.width, scratch.height);
  return new Promise((done) => scratch.toBlob(done, "image/jpeg", 0.85));
}
