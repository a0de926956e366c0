# attacks: the course's own loader, which cuts solutions out for the site
# expect: failed
# says: differs
import torch


def attention_pattern(q, k):
    for root in ("{ROOT}", "{CHECKOUT}", None):
        try:
            from pathlib import Path

            from dojo.course import load_course

            course = load_course(Path(root)) if root else load_course()
            print("BROKE OUT", course.title)
            namespace = {"torch": torch}
            exec(course.find("attention_pattern")[1].solution, namespace)
            return namespace["attention_pattern"](q, k)
        except Exception:
            continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
