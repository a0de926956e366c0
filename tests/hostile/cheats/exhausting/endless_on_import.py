# attacks: time, while its module is loaded
# expect: stopped
# says: Stopped after
# endless
while True:
    pass
