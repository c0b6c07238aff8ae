for (const button of document.querySelectorAll(".copy")) {
  const name = button.textContent;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Without the clipboard's permission: select the text, and let the old way try.
      getSelection().selectAllChildren(code);
      done = document.execCommand("copy");
      if (done) getSelection().removeAllRanges();
      button.focus();
    }
    button.textContent = done ? "Copied" : "Selected";
    say(button.textContent);
    setTimeout(() => { button.textContent = name; }, 1600);
  });
}
