// Search from disk. Browsers start no Worker from a file: address, so there (and only there) a
// Worker is a hidden frame that runs the same script and passes the same messages.
if (location.protocol === "file:")
  window.Worker = class extends EventTarget {
    constructor(address) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      const waiting = []
      this.postMessage = data => waiting.push(data)
      this.terminate = () => frame.remove()
      const ready = new Promise(done => document.readyState === "loading"
        ? addEventListener("DOMContentLoaded", done) : done())
      ready.then(() => {
        document.body.append(frame)
        const inside = frame.contentWindow
        const give = (to, data) => to.dispatchEvent(new MessageEvent("message", { data }))
        inside.postMessage = data => give(this, data)
        inside.importScripts = (...addresses) => addresses.reduce((before, one) =>
          before.then(() => load(new URL(one, address).href)), Promise.resolve())
        const load = source => new Promise((done, failed) => {
          const script = inside.document.createElement("script")
          script.src = source
          script.onload = done
          script.onerror = () => failed(new Error(`cannot load ${source}`))
          inside.document.head.append(script)
        })
        load(address).then(() => {
          this.postMessage = data => give(inside, data)
          waiting.forEach(this.postMessage)
        })
      })
    }
  }
